// npm test; the part with a Redis needs redis-server in PATH.

import { test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { Redis } from "ioredis";
import { newState, parseElement, run, update } from "./worker.js";

test("an element is an id, or JSON with one", () => {
  for (const [element, want] of [
    ["4711", { jobId: "4711", tenantId: "t1" }],
    ['{"jobId":"4711"}', { jobId: "4711", tenantId: "t1" }],
    ['{"jobId":4711,"tenantId":"acme","payload":"x"}', { jobId: "4711", tenantId: "acme" }],
    ["{not json", { jobId: "{not json", tenantId: "t1" }],
    ['{"class":"Mail"}', { jobId: '{"class":"Mail"}', tenantId: "t1" }],
  ]) {
    assert.deepEqual(parseElement(element), want);
  }
});

test("an update has the documented keys in their order", () => {
  const job = { jobId: "4711", tenantId: "t1" };
  assert.equal(update(job, "COMPLETED"), '{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null}');
  assert.equal(update(job, "FAILED", "disk full"), '{"tenantId":"t1","jobId":"4711","status":"FAILED","error":"disk full"}');
});

test("every job is announced and completed once", { timeout: 60_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "node-worker-"));
  const socket = join(dir, "s");
  const server = spawn("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir], { stdio: "ignore" });
  try {
    await once(server, "spawn");
  } catch {
    await rm(dir, { recursive: true });
    return t.skip("redis-server is not in PATH");
  }
  const redis = new Redis(socket, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  redis.on("error", () => {}); // until the server listens
  const ear = redis.duplicate();
  ear.on("error", () => {});
  const heard = new Map();
  const state = newState();
  ear.on("message", (_channel, text) => {
    const { jobId, status } = JSON.parse(text);
    heard.set(`${jobId} ${status}`, (heard.get(`${jobId} ${status}`) ?? 0) + 1);
    if (heard.size === 400) state.stopping = true;
  });
  await ear.subscribe("job_updates");
  await redis.lpush("job_queue", ...Array.from({ length: 200 }, (_, i) => String(i)));
  const done = await run({ url: socket, queue: "job_queue", channel: "job_updates", consumers: 8, workMs: 1, running: true }, state);
  assert.equal(done, 200);
  for (let i = 0; i < 200; i++) {
    assert.equal(heard.get(`${i} RUNNING`), 1);
    assert.equal(heard.get(`${i} COMPLETED`), 1);
  }
  await ear.quit();
  await redis.quit();
  server.kill();
  await once(server, "exit");
  await rm(dir, { recursive: true });
});

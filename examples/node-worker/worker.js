// A worker for a Redis job queue as thousands of back ends have one: several
// loops that take a job with BRPOP, do it, and publish what became of it.
//
//   REDIS_URL=redis://localhost:6379 CONSUMERS=8 WORK_MS=5 node worker.js
//
// SIGINT and SIGTERM let it finish what is in hand.

import { pathToFileURL } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

/** What an element of the list says of its job: an id, or JSON with one. */
export function parseElement(element) {
  if (element.trimStart().startsWith("{")) {
    try {
      const { jobId, tenantId } = JSON.parse(element);
      if (jobId) return { jobId: String(jobId), tenantId: String(tenantId || "t1") };
    } catch {
      // Not JSON after all: the whole element is the id.
    }
  }
  return { jobId: element, tenantId: "t1" };
}

/** The message about a job, with the keys in the documented order. */
export function update({ jobId, tenantId }, status, error = null) {
  return JSON.stringify({ tenantId, jobId, status, error });
}

/** Your own work goes here. An exception means that the job has failed. */
async function work(_job, ms) {
  if (ms > 0) await sleep(ms);
}

/** One consumer: takes a job, does it, publishes, until it is told to stop. */
async function consume(options, publisher, state) {
  // BRPOP holds up every other command on its connection, so each loop has its
  // own. A command is never repeated after a broken connection: a repeated
  // BRPOP could lose a job.
  const redis = new Redis(options.url, {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: "node-worker",
  });
  redis.on("error", (err) => state.complain(err));
  while (!state.stopping) {
    let popped;
    try {
      popped = await redis.brpop(options.queue, 1);
    } catch (err) {
      state.complain(err);
      await sleep(200);
      continue;
    }
    if (popped === null) continue; // nothing came within a second
    const job = parseElement(popped[1]);
    if (options.running) await publisher.publish(options.channel, update(job, "RUNNING"));
    let message;
    try {
      await work(job, options.workMs);
      message = update(job, "COMPLETED");
    } catch (err) {
      message = update(job, "FAILED", String(err?.message ?? err));
    }
    await publisher.publish(options.channel, message);
    state.done++;
  }
  await redis.quit();
}

/** Works until state.stopping is set, and returns how many jobs were done. */
export async function run(options, state) {
  // PUBLISH does not wait for anything, so all loops share one connection. It
  // tries again for as long as it takes: an outcome must not be forgotten.
  const publisher = new Redis(options.url, { maxRetriesPerRequest: null, connectionName: "node-worker" });
  publisher.on("error", (err) => state.complain(err));
  await Promise.all(Array.from({ length: options.consumers }, () => consume(options, publisher, state)));
  await publisher.quit();
  return state.done;
}

/** A fresh state; complain says the same thing once in ten seconds at most. */
export function newState() {
  const said = new Map(); // and when
  return {
    stopping: false,
    done: 0,
    complain(err) {
      const text = err.message || err.code || String(err);
      if (performance.now() - (said.get(text) ?? -Infinity) < 10_000) return;
      said.set(text, performance.now());
      console.error(`node-worker: ${text}`);
    },
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const env = process.env;
  const options = {
    url: env.REDIS_URL || "redis://localhost:6379",
    queue: env.QUEUE || "job_queue",
    channel: env.CHANNEL || "job_updates",
    consumers: Number(env.CONSUMERS || 8),
    workMs: Number(env.WORK_MS || 0),
    running: env.RUNNING !== "no",
  };
  const state = newState();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (state.stopping = true));
  console.error(`node-worker: ${options.consumers} consumers on ${options.queue}, updates on ${options.channel}`);
  const done = await run(options, state);
  console.log(`worked on ${done} jobs`);
}

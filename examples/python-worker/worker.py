"""A worker for a Redis job queue as many back ends have one: several threads
that take a job with BRPOP, do it, and publish what became of it.

  REDIS_URL=redis://localhost:6379 CONSUMERS=8 WORK_MS=5 python3 worker.py

SIGINT and SIGTERM let it finish what is in hand.
"""

import json
import os
import signal
import sys
import threading
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def parse_element(element):
    """What an element of the list says of its job: an id, or JSON with one."""
    if element.lstrip().startswith("{"):
        try:
            job = json.loads(element)
            if job.get("jobId"):
                return str(job["jobId"]), str(job.get("tenantId") or "t1")
        except ValueError:
            pass  # Not JSON after all: the whole element is the id.
    return element, "t1"


def update(job_id, tenant_id, status, error=None):
    """The message about a job, with the keys in the documented order."""
    message = {"tenantId": tenant_id, "jobId": job_id, "status": status, "error": error}
    return json.dumps(message, separators=(",", ":"))


def work(_job_id, ms):
    """Your own work goes here. An exception means that the job has failed."""
    if ms > 0:
        time.sleep(ms / 1000)


class Complaints:
    """Says the same thing once in ten seconds at most."""

    def __init__(self):
        self.said, self.lock = {}, threading.Lock()

    def __call__(self, error):
        text, now = str(error), time.monotonic()
        with self.lock:
            if now - self.said.get(text, -1e9) < 10:
                return
            self.said[text] = now
        print(f"python-worker: {text}", file=sys.stderr, flush=True)


def consume(options, stopping, complain):
    """One consumer: takes jobs, does them, publishes, until it is told to stop.
    Returns how many jobs were done."""
    # BRPOP holds up every other command on its connection, so each thread has a
    # client of its own, which uses one. The library never repeats a command after
    # a broken connection: a repeated BRPOP could lose a job.
    client = redis.Redis.from_url(options["url"], decode_responses=True, retry=Retry(NoBackoff(), 0))
    done = 0

    def publish(message):
        """An outcome must not be forgotten: it is tried for as long as it takes."""
        while True:
            try:
                client.publish(options["channel"], message)
                return
            except redis.RedisError as error:
                complain(error)
                time.sleep(0.2)

    while not stopping.is_set():
        try:
            popped = client.brpop(options["queue"], 1)
        except redis.RedisError as error:
            complain(error)
            time.sleep(0.2)
            continue
        if popped is None:
            continue  # nothing came within a second
        job_id, tenant_id = parse_element(popped[1])
        if options["running"]:
            publish(update(job_id, tenant_id, "RUNNING"))
        try:
            work(job_id, options["work_ms"])
            message = update(job_id, tenant_id, "COMPLETED")
        except Exception as error:
            message = update(job_id, tenant_id, "FAILED", str(error))
        publish(message)
        done += 1
    client.close()
    return done


def run(options, stopping):
    """Works until stopping is set, and returns how many jobs were done."""
    complain, done = Complaints(), []
    threads = [
        threading.Thread(target=lambda: done.append(consume(options, stopping, complain)))
        for _ in range(options["consumers"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def main():
    env = os.environ.get
    options = {
        "url": env("REDIS_URL") or "redis://localhost:6379",
        "queue": env("QUEUE") or "job_queue",
        "channel": env("CHANNEL") or "job_updates",
        "consumers": int(env("CONSUMERS") or 8),
        "work_ms": float(env("WORK_MS") or 0),
        "running": env("RUNNING") != "no",
    }
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    print(
        f"python-worker: {options['consumers']} consumers on {options['queue']}, updates on {options['channel']}",
        file=sys.stderr,
        flush=True,
    )
    print(f"worked on {run(options, stopping)} jobs")


if __name__ == "__main__":
    main()

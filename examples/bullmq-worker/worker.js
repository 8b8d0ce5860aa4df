// A BullMQ worker under load: the function as an application has it. Nothing is added for the
// load.
//
// REDIS_URL is the Redis (default redis://localhost:6379/0), QUEUE the prefix and the name of
// the queue (default bull:mails), CONCURRENCY how many jobs are done at once (default 1) and
// WORK_MS how long a job takes (default 0). LOCK_MS is BullMQ's lockDuration, and STALLED_MS
// its stalledInterval (default 30000 each).
import { Worker } from 'bullmq';
import IORedis from 'ioredis';

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const queue = process.env.QUEUE ?? 'bull:mails';
const end = queue.lastIndexOf(':');

const connection = new IORedis(process.env.REDIS_URL ?? 'redis://localhost:6379/0', { maxRetriesPerRequest: null });
const worker = new Worker(
  queue.slice(end + 1),
  async (job) => {
    await new Promise((resolve) => setTimeout(resolve, number('WORK_MS', 0)));
    if (job.name === 'fail') throw new Error('this job always fails');
  },
  {
    connection,
    prefix: queue.slice(0, end),
    concurrency: number('CONCURRENCY', 1),
    lockDuration: number('LOCK_MS', 30000),
    stalledInterval: number('STALLED_MS', 30000),
  },
);
worker.on('ready', () => console.error('ready'));
worker.on('error', (err) => console.error(err.message));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await worker.close();
    connection.disconnect();
  });
}

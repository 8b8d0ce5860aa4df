// An API that adds a job for each POST /jobs and answers with its id, as an application does.
// PORT is where it listens (0 is any free port, which it prints).
import { createServer } from 'node:http';
import { Queue } from 'bullmq';
import IORedis from 'ioredis';

const connection = new IORedis(process.env.REDIS_URL ?? 'redis://localhost:6379', { maxRetriesPerRequest: null });
const mails = new Queue('mails', { connection });

const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const job = await mails.add('send-mail', JSON.parse(body || '{}'), { removeOnComplete: 1000 });
  response.writeHead(202, { 'Content-Type': 'application/json' }).end(JSON.stringify({ id: job.id }));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.error(`http://127.0.0.1:${server.address().port}/jobs ready`);
});
process.on('SIGTERM', async () => {
  server.close();
  await mails.close();
  connection.disconnect();
});

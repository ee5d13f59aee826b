/**
 * `node build/submit-job.ts URL`: runs one short job at the service there, and waits for its end. For whoever has just installed it, and for CI.
 * Where the service asks for a token, JOBSPAWN_API_TOKEN holds one of an operator. The service may still be on its way up: it is
 * asked for half a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jobSchema } from '../src/core/job.ts';
import type { Job } from '../src/core/job.ts';
import { isFinal } from '../src/core/job-state.ts';

const url = process.argv[2]?.replace(/\/+$/, '');
const secret = process.env['JOBSPAWN_API_TOKEN'];
const credentials = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
const startPatienceMs = 30_000;
const jobPatienceMs = 180_000;

if (url === undefined) {
  console.error('Usage: node build/submit-job.ts URL');
  process.exitCode = 78;
} else {
  const job = await untilEnd(await submit(url), url);
  console.log(`${job.state}${job.explanation === null ? '' : `: ${job.explanation}`}`);
  process.exitCode = job.state === 'SUCCEEDED' ? 0 : 1;
}

async function submit(service: string): Promise<Job> {
  const args = ['simulate', '--duration', '1s', '--error-rate', '0'];
  // With an id of its own a request whose answer was lost makes no second job.
  const body = JSON.stringify({ id: crypto.randomUUID(), name: 'a first job', args });
  const deadline = Date.now() + startPatienceMs;
  for (;;) {
    const answer = await fetch(`${service}/api/v1/jobs`, {
      method: 'POST',
      headers: { ...credentials, 'content-type': 'application/json' },
      body,
    }).catch((error: unknown) => {
      if (Date.now() < deadline) return undefined;
      throw new Error(`${service} cannot be reached`, { cause: error });
    });
    if (answer !== undefined) return toJob(answer);
    await sleep(500);
  }
}

async function untilEnd(job: Job, service: string): Promise<Job> {
  const deadline = Date.now() + jobPatienceMs;
  let seen = '';
  for (let current = job; ; current = await look(`${service}/api/v1/jobs/${job.id}`)) {
    if (isFinal(current.state)) return current;
    if (current.state !== seen) console.log(current.state);
    seen = current.state;
    if (Date.now() > deadline) throw new Error(`the job is still ${current.state}`);
    await sleep(250);
  }
}

async function look(address: string): Promise<Job> {
  return toJob(await fetch(address, { headers: credentials }));
}

async function toJob(answer: Response): Promise<Job> {
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return jobSchema.parse(await answer.json());
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { z } from 'zod';
import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import { startLocalCluster } from '../../src/local-cluster/cluster.ts';
import { until } from '../support/until.ts';

const jobs = '/apis/batch/v1/namespaces/default/jobs';
const pods = '/api/v1/namespaces/default/pods';

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });
const condition = z.object({ type: z.string(), reason: z.string() });
const jobList = z.object({
  items: z.array(z.object({ status: z.object({ conditions: z.array(condition).default([]) }) })),
});

let dataDir: string;
let cluster: LocalCluster;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-deleted-pods-'));
  const images = { plain: { entrypoint: [], cmd: [] } };
  cluster = await startLocalCluster({ dataDir, images, log: pino({ level: 'silent' }) });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${cluster.url}${path}`, {
    method,
    headers,
    body: body && JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
  return answer;
}

async function createJob(name: string, script: string): Promise<void> {
  const container = { name: 'main', image: 'plain', command: ['sh', '-c', script] };
  const template = { spec: { restartPolicy: 'Never', containers: [container] } };
  await call('POST', jobs, { metadata: { name }, spec: { backoffLimit: 0, template } });
}

test('pods that are deleted have failed, however quickly they end well and however much there is to do', async () => {
  const names = Array.from({ length: 48 }, (_, nth) => `patient-${nth}`);
  for (const name of names) await createJob(name, 'trap "exit 0" TERM; echo ready; sleep 60 & wait');
  const running = await until(async () => {
    const { items } = podList.parse(await (await call('GET', pods)).json());
    return items.length === names.length ? items : undefined;
  });
  for (const { metadata } of running) {
    await until(async () => {
      const log = await fetch(`${cluster.url}${pods}/${metadata.name}/log`);
      return log.ok && (await log.text()) === 'ready\n';
    });
  }
  // All at once, so that most Jobs have to wait for their turn.
  await call('DELETE', pods);
  const ends = await until(async () => {
    const { items } = jobList.parse(await (await call('GET', jobs)).json());
    const last = items.map(({ status }) => status.conditions[1]);
    return last.every((one) => one !== undefined) ? last : undefined;
  });
  expect(ends).toEqual(names.map(() => ({ type: 'Failed', reason: 'BackoffLimitExceeded' })));
});

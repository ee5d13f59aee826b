import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ApiRegistry } from '../../src/local-cluster/registry-contract.ts';
import { minimalJob, minimalPod, openTestRegistry } from './api-under-test.ts';

let opened: ReturnType<typeof openTestRegistry>;
let registry: ApiRegistry;
beforeEach(() => {
  opened = openTestRegistry({ historyBytes: 100_000 });
  ({ registry } = opened);
});
afterEach(() => opened.close());

/** Each a change of a bit more than 10 kB. */
function pad(resource: 'jobs' | 'pods', name: string, times: number): void {
  for (let count = 0; count < times; count += 1) {
    registry.update(resource, { namespace: 'default', name }, ({ metadata }) => {
      metadata.annotations = { padding: String(count).padEnd(10_000) };
    });
  }
}

test('the history of large changes ends where its bytes do, long before its changes', () => {
  const { metadata } = registry.create('jobs', 'default', minimalJob('large'));
  pad('jobs', 'large', 50);
  expect(registry.changesSince('jobs', Number(metadata.resourceVersion))).toBeUndefined();
  const kept = registry.changesSince('jobs', registry.oldestVersion('jobs'));
  expect(kept?.length).toBeGreaterThan(5);
  expect(JSON.stringify(kept?.map(({ object }) => object)).length).toBeLessThan(100_000);
});

test('the bytes are those of all resources, and the oldest change of all goes first', () => {
  const job = registry.create('jobs', 'default', minimalJob('job'));
  pad('jobs', 'job', 4);
  const pod = registry.create('pods', 'default', minimalPod('pod'));
  pad('pods', 'pod', 4);
  expect(registry.changesSince('jobs', Number(job.metadata.resourceVersion))).toHaveLength(4);
  pad('pods', 'pod', 3);
  expect(registry.changesSince('jobs', Number(job.metadata.resourceVersion))).toBeUndefined();
  expect(registry.changesSince('pods', Number(pod.metadata.resourceVersion))).toHaveLength(7);
});

test('a change that is larger than the whole history is told, and not kept', () => {
  const { metadata } = registry.create('jobs', 'default', minimalJob('huge'));
  const told: string[] = [];
  registry.subscribe('jobs', ({ type }) => told.push(type));
  registry.update('jobs', { namespace: 'default', name: 'huge' }, (draft) => {
    draft.metadata.annotations = { padding: 'x'.repeat(200_000) };
  });
  expect(told).toEqual(['MODIFIED']);
  expect(registry.changesSince('jobs', Number(metadata.resourceVersion))).toBeUndefined();
  expect(registry.changesSince('jobs', registry.version())).toEqual([]);
});

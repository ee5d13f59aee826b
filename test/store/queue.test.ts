import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage.close());

const names = (id: string) => ({ id, kubernetesName: `report-${id}` });

test('the queue is what is not known to be in the cluster, and places are held from the claim to the end', () => {
  const { store } = stage;
  expect(store.queueStatus()).toEqual({ depth: 0, oldestQueuedAt: null, active: 0 });
  const first = stage.clock().toISOString();
  stage.accept(names('a'));
  stage.advance(1000);
  const second = stage.clock().toISOString();
  stage.accept(names('b'));
  store.claimDispatch('a');
  expect(store.queueStatus()).toEqual({ depth: 2, oldestQueuedAt: first, active: 1 });
  store.settleCreated('a', { uid: 'uid-a' });
  expect(store.queueStatus()).toEqual({ depth: 1, oldestQueuedAt: second, active: 1 });
  store.requestCancel('b', 'User');
  store.markJobGone('a', 'uid-a');
  expect(store.queueStatus()).toEqual({ depth: 0, oldestQueuedAt: null, active: 0 });
});

test('the disk is used by the file and by its write-ahead log', () => {
  stage.accept();
  const sizes = [stage.path, `${stage.path}-wal`].map((path) => statSync(path).size);
  expect(sizes.every((size) => size > 0)).toBe(true);
  expect(stage.store.diskUse()).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0));
});

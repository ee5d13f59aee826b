import { randomFillSync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDispatcher } from '../../src/control/dispatcher.ts';
import { jobIdLabel } from '../../src/core/labels.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStage, silent as log } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { startScriptedCluster } from './scripted-cluster.ts';

let stage: Stage;
let cluster: Awaited<ReturnType<typeof startScriptedCluster>>;
let connection: Connection;
const stop = new AbortController();

beforeEach(async () => {
  stage = openStage();
  cluster = await startScriptedCluster();
  connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
});

afterEach(async () => {
  await connection.close();
  await cluster.close();
  stage.close();
});

/** What a new process does with what an earlier one has claimed. */
async function dispatchOnce(): Promise<void> {
  const { store, clock } = stage;
  const dispatcher = createDispatcher({
    store,
    kube: createKube({ connection, namespace: 'jobs', log, clock }),
    tokens: { issue: (jobId: string) => `token-of-${jobId}` },
    callbackUrl: 'http://127.0.0.1:1',
    maxActive: 100,
    log,
    clock,
    random: (bytes) => randomFillSync(bytes),
    signal: stop.signal,
    stopping: stop.signal,
  });
  await dispatcher.runOnce();
  await dispatcher.idle();
}

function claim(): { id: string; name: string } {
  const id = stage.accept({ spec: { ttlSecondsAfterFinished: 60 } });
  stage.store.claimDispatch(id);
  return { id, name: 'report-bcdfghjklm' };
}

test('fault 20: a claim that lies in the future, since the clock was put back, may be older than the TTL: the cluster is asked, and nothing is sent', async () => {
  const { id, name } = claim();
  stage.advance(-3_600_000);
  await dispatchOnce();
  expect(stage.store.findJob(id)?.state).toBe('QUEUED');
  expect(cluster.creates).toHaveLength(0);
  cluster.jobs.set(name, { uid: 'ours', labels: { [jobIdLabel]: id }, suspend: false });
  await dispatchOnce();
  expect(stage.store.findJob(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid: 'ours' } });
});

test('fault 20: a claim by a machine whose clock is a little ahead is sent again', async () => {
  const { id } = claim();
  stage.advance(-2000);
  await dispatchOnce();
  expect(stage.store.findJob(id)?.state).toBe('CREATED');
});

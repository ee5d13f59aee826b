import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createDispatcher } from '../../src/control/dispatcher.ts';
import { createIntake } from '../../src/control/intake.ts';
import { jobRequestSchema } from '../../src/core/job-request.ts';
import { commandLine } from '../../src/core/access.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { anySpec } from '../support/any-spec.ts';
import { startScriptedCluster } from './scripted-cluster.ts';

const log = pino({ level: 'silent' });
const random = (bytes: Uint8Array) => randomFillSync(bytes);

export type DispatchStage = Awaited<ReturnType<typeof openDispatchStage>>;

/** A store, a scripted cluster, a clock that stands still until it is moved, and dispatchers as new processes would have them. */
export async function openDispatchStage() {
  const dir = mkdtempSync(join(tmpdir(), 'dispatcher-'));
  let now = Date.parse('2026-01-01T00:00:00Z');
  const clock = () => new Date(now);
  const store = openStore({ path: join(dir, 'jobs.db'), clock, log });
  const cluster = await startScriptedCluster();
  const connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
  const stop = new AbortController();
  const stopping = new AbortController();
  const names = { workerImage: 'worker', namespace: 'jobs' };
  const intake = createIntake({ store, clock, random, ...names, specPolicy: anySpec, maxQueued: 1000 });

  return {
    store,
    cluster,

    startDispatcher(maxActive = 100, overrides: Partial<Store> = {}) {
      const dispatcher = createDispatcher({
        store: { ...store, ...overrides },
        kube: createKube({ connection, namespace: 'jobs', log, clock }),
        tokens: { issue: (jobId: string) => `token-of-${jobId}` },
        callbackUrl: 'http://127.0.0.1:1',
        maxActive,
        log,
        clock,
        random,
        signal: stop.signal,
        stopping: stopping.signal,
      });
      return {
        ...dispatcher,
        async run() {
          const counts = await dispatcher.runOnce();
          await dispatcher.idle();
          return counts;
        },
      };
    },

    async accept(request: Record<string, unknown> = {}): Promise<string> {
      const asked = jobRequestSchema.parse({ name: 'a job', ...request });
      return (await intake.accept(asked, { idempotencyKey: null, by: commandLine })).job.id;
    },

    get(id: string) {
      const job = store.findJob(id);
      if (job === undefined) throw new Error(`no job ${id}`);
      return job;
    },

    pass(seconds: number): void {
      now += seconds * 1000;
    },

    /** Nothing is to be started any more. */
    beginStop: () => stopping.abort(),

    async close(): Promise<void> {
      stopping.abort();
      stop.abort();
      await connection.close();
      await cluster.close();
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
}

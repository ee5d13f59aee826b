import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openStore } from '../src/store/store.ts';
import { findFreePort } from '../test/faults/free-port.ts';
import { createServiceProcess } from '../test/faults/service-process.ts';
import { newJob } from '../test/store/stage.ts';
import { until } from '../test/support/until.ts';
import type { BareCreates } from './bare-creates.ts';
import type { CreateTarget } from './create-target.ts';
import { startLocalApi } from './local-api.ts';
import { runProgram } from './run-program.ts';
import { launchers } from './machine.ts';
import type { Benchmark } from './plan.ts';
import { toServiceEnv } from './quick-service.ts';
import { startTlsApi } from './tls-api.ts';

/** As the dispatcher has them under way. */
const atOnce = 8;
const perSecond = 500;

export const dispatch: Benchmark = {
  name: 'dispatch',
  about: `queued jobs to Jobs in a stub of the API server over TLS, which takes 3 ms for each, and in a local cluster, beside bare loops of ${atOnce} at once`,

  async prepare(settings, releasers) {
    const tlsApi = await startTlsApi();
    releasers.push(() => tlsApi.close());
    const jobs = Math.ceil(settings.seconds * perSecond);
    // The local cluster takes three times as long for each.
    const fewerJobs = Math.ceil(jobs / 2);

    /** From the rows of a new database. */
    async function drain(api: CreateTarget, count: number): Promise<{ rate: number }> {
      const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
      const databasePath = join(dir, 'jobspawn.db');
      await queue(databasePath, { namespace: api.namespace, count });
      const service = createServiceProcess({
        databasePath,
        kubeconfigPath: api.kubeconfigPath,
        port: await findFreePort(),
        env: { ...toServiceEnv(settings), MAX_ACTIVE: '1000000' },
        launcher: launchers.server,
      });
      service.start();
      try {
        await until(() => service.hasEnded() || api.countCreates() >= count, { timeoutMs: 60_000 });
        if (service.hasEnded()) throw new Error(`the service ended: ${service.logLines().join('\n')}`);
      } finally {
        await service.stop();
        rmSync(dir, { recursive: true });
      }
      return { rate: api.takeRate() };
    }

    return {
      // All programs are fresh ones in each turn; what grows warm is the stub, which lives on.
      warmUp: ['ours', 'pool'],
      sides: {
        ours: () => {
          tlsApi.forget();
          return drain(tlsApi, jobs);
        },
        pool: () => runBare(tlsApi, { by: 'pool', count: jobs }),
        // A connection for each call takes its time.
        stock: () => runBare(tlsApi, { by: 'stock', count: Math.ceil(jobs / 4) }),
        local: () => onLocalApi((api) => drain(api, fewerJobs)),
        'local-pool': () => onLocalApi((api) => runBare(api, { by: 'pool', count: fewerJobs })),
      },
      figures: [
        {
          name: 'dispatch',
          unit: 'Jobs/s',
          ours: ['ours', 'rate'],
          baseline: ['pool', 'rate'],
          goal: { of: 'ratio', atLeast: 0.85 },
        },
        { name: 'dispatch/stock', unit: 'Jobs/s', ours: ['ours', 'rate'], baseline: ['stock', 'rate'] },
        {
          name: 'dispatch/local',
          unit: 'Jobs/s',
          ours: ['local', 'rate'],
          baseline: ['local-pool', 'rate'],
          goal: { of: 'ratio', atLeast: 0.85 },
        },
      ],
    };
  },
};

/** An empty one for each turn: what earlier turns created would be in the lists of the next. */
async function onLocalApi<T>(measure: (api: CreateTarget) => Promise<T>): Promise<T> {
  const api = await startLocalApi();
  try {
    return await measure(api);
  } finally {
    await api.close();
  }
}

async function queue(
  path: string,
  { namespace, count }: { namespace: string; count: number },
): Promise<void> {
  const store = openStore({ path, clock: () => new Date(), log: pino({ level: 'silent' }) });
  const accept = (_none: unknown, n: number) =>
    store.groupCommit(() =>
      store.acceptJob(newJob({ id: `job-${n}`, kubernetesName: `report-${n}`, namespace })),
    );
  await Promise.all(Array.from({ length: count }, accept));
  store.close();
}

async function runBare(
  api: CreateTarget,
  { by, count }: Pick<BareCreates, 'by' | 'count'>,
): Promise<{ rate: number }> {
  const { url, jobsPath, namespace, kubeconfigPath } = api;
  const order: BareCreates = {
    by,
    count,
    atOnce,
    url,
    path: `${jobsPath}?fieldValidation=Strict&fieldManager=jobspawn&timeout=10s`,
    namespace,
    kubeconfigPath,
    body: api.lastBody(),
  };
  await runProgram('bench/bare-creates.ts', { order, launcher: launchers.server });
  return { rate: api.takeRate() };
}

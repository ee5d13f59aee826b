import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Pool } from 'undici';
import type { Releasers } from '../src/app/releasers.ts';
import { until } from '../test/support/until.ts';
import { acceptRequest } from './accept-request.ts';
import { toReportRequest } from './live-jobs.ts';
import { launchers } from './machine.ts';
import type { Settings } from './plan.ts';
import { toServiceEnv } from './quick-service.ts';
import { createLives } from './recorded-life.ts';
import type { CreatedJob, LifeEvent } from './recorded-life.ts';
import { runLoadProgram } from './run-program.ts';
import { startTimedService } from './timed-service.ts';
import { startTlsApi } from './tls-api.ts';

/** As our worker says it of a short work. */
const words = { begins: ['Start Processing', 'Processing...'], ends: ['SUCCESS'] };
const logLines = 20;
const podLog = 'a line of a log as programs write them, neither short nor long\n'.repeat(logLines);

/**
 * A service through which whole jobs go: accepted, created in a stub of the API server, told of by both watches as a real cluster was
 * recorded to tell it, reported by a worker, its log fetched, and gone from the cluster, as with a TTL.
 */
export async function startJobsThrough({
  settings,
  releasers,
  says = words,
}: {
  settings: Settings;
  releasers: Releasers;
  says?: typeof words;
}) {
  const toLife = createLives();
  /** What is still to be told of a pod and its Job, once the log was read. */
  const leaving = new Map<string, readonly LifeEvent[]>();
  let gone = 0;
  let fault: unknown;

  const api = await startTlsApi({
    podLog,
    onCreate: (created) => void play(created).catch((error: unknown) => (fault = error)),
    onLogRead: (pod) => {
      tell(leaving.get(pod) ?? []);
      if (leaving.delete(pod)) gone += 1;
    },
  });
  releasers.push(() => api.close());
  const databasePath = settings.databases.newPath();
  const env = {
    ...toServiceEnv(settings),
    CLUSTER: 'kubeconfig',
    KUBECONFIG: api.kubeconfigPath,
    DATABASE_PATH: databasePath,
    MAX_QUEUED: '100000000',
  };
  const service = await startTimedService({ env, launcher: launchers.server });
  releasers.push(service.stop);
  const reports = new Pool(service.url, { connections: 8 });
  releasers.push(() => reports.close());
  const db = new Database(databasePath, { readonly: true });
  releasers.push(() => void db.close());
  const left = db
    .prepare<[], number>(
      `SELECT (SELECT count(*) FROM jobs WHERE gone = 0) + (SELECT count(*) FROM pods WHERE gone = 0 OR log <> 'kept')`,
    )
    .pluck();

  function tell(events: readonly LifeEvent[]): void {
    for (const event of events) api.tell(event.kind, event);
  }

  async function play(created: CreatedJob): Promise<void> {
    const { pod, events } = toLife(created);
    const runs = events.findIndex(({ phase }) => phase === 'Running') + 1;
    const leaves = events.findIndex(({ type }) => type === 'DELETED');
    leaving.set(pod.name, events.slice(leaves));
    tell(events.slice(0, runs));
    for (const status of says.begins) await report(created, pod.uid, status);
    for (const status of says.ends) await report(created, pod.uid, status);
    tell(events.slice(runs, leaves));
  }

  async function report({ job }: CreatedJob, podUid: string, status: string): Promise<void> {
    const token = /"JOBSPAWN_TOKEN","value":"([^"]+)"/.exec(JSON.stringify(job.spec))?.[1] ?? '';
    const id = job.metadata.labels['jobspawn.dev/job-id'] ?? '';
    const request = toReportRequest({ id, token }, status, podUid);
    const answer = await reports.request({ ...request, method: 'POST' });
    if (answer.statusCode !== 200) throw new Error(`a report was refused: ${await answer.body.text()}`);
    await answer.body.dump();
  }

  return {
    service,
    api,
    db,
    databasePath,
    /** So many whole jobs, requested at this pace; until all of them are settled here and gone there. */
    async push(count: number, perSecond: number): Promise<void> {
      const { url } = service;
      const target = gone + count;
      const load = { requests: [acceptRequest], connections: 16, expectedStatus: 202 };
      await runLoadProgram('bench/load.ts', { url, ...load, perSecond, seconds: count / perSecond });
      await until(
        () => {
          if (fault !== undefined) throw fault;
          return gone >= target;
        },
        { timeoutMs: 300_000 },
      );
      await until(() => left.get() === 0);
      await nextTurn();
    },
  };
}

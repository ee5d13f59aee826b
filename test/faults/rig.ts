/**
 * The whole arrangement: a local cluster in a process of its own, a proxy before it, the service in a process that may be killed, a
 * client that repeats, a ledger that the runs write themselves, and a follower of the events.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { startApiProxy } from './api-proxy.ts';
import { check } from './checker.ts';
import type { Verdict } from './checker.ts';
import { createClient } from './client.ts';
import { startClusterProcess } from './cluster-process.ts';
import { createDice } from './dice.ts';
import { startEventRecord, toldEventsSchema } from './event-record.ts';
import { findFreePort } from './free-port.ts';
import { createLedger } from './ledger.ts';
import { createServiceProcess } from './service-process.ts';

const rowSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
});
export type Row = z.output<typeof rowSchema>;
const pageSchema = z.object({ jobs: z.array(rowSchema), nextCursor: z.string().nullable() });
const isFinal = ({ state }: Row) => !['QUEUED', 'CREATED', 'RUNNING'].includes(state);

export type Rig = Awaited<ReturnType<typeof startRig>>;

/** The service is not started yet. `env` is its environment beside what it needs to find its parts. */
export async function startRig({ seed = 1, env = {} }: { seed?: number; env?: Record<string, string> } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-faults-'));
  const dice = createDice(seed);
  const cluster = await startClusterProcess(join(dir, 'cluster'));
  const proxy = await startApiProxy({ upstream: cluster.url, dice: dice.fork() });
  const service = createServiceProcess({
    databasePath: join(dir, 'jobspawn.db'),
    kubeconfigPath: proxy.kubeconfigPath,
    port: await findFreePort(),
    env: { MAX_ACTIVE: '20', ...env },
  });
  const ledger = createLedger(join(dir, 'ledger'));
  const client = createClient({ url: service.url, ledger });
  const record = startEventRecord(service.url);

  async function get(path: string): Promise<unknown> {
    const answer = await fetch(service.url + path, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async function listRows(): Promise<Row[]> {
    const rows: Row[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: z.output<typeof pageSchema> = pageSchema.parse(
        await get(`/api/v1/jobs?limit=500&cursor=${encodeURIComponent(cursor)}`),
      );
      rows.push(...page.jobs);
      cursor = page.nextCursor;
    }
    return rows;
  }

  const findRow = async (id: string) => rowSchema.parse(await get(`/api/v1/jobs/${id}`));

  /** Until every job that is known has ended; then the checker's word on all that happened. */
  async function conclude({ timeoutMs = 60_000 }: { timeoutMs?: number } = {}): Promise<Verdict> {
    const rows = await untilAllEnded(timeoutMs);
    await until(() => rows.every(isTold), { timeoutMs: 10_000 }).catch(() => {});
    // What comes from now on (a log that is kept) may be told before or after its history was read.
    const followed = [...record.events];
    const histories = new Map<string, z.output<typeof toldEventsSchema>['events']>();
    for (const { id } of rows)
      histories.set(id, toldEventsSchema.parse(await get(`/api/v1/jobs/${id}/events`)).events);
    return check({
      asked: client.asked,
      created: [...proxy.created, ...(await listUnrecorded())],
      ledger: ledger.read(),
      rows,
      histories,
      followed,
    });
  }

  function isTold({ id, state }: Row): boolean {
    return record.events.some((event) => event.jobId === id && event.state === state);
  }

  /** A job that never ends is the checker's to name, so that this is no error. */
  async function untilAllEnded(timeoutMs: number): Promise<Row[]> {
    await service.untilReady();
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const rows = await listRows();
      if (rows.every(isFinal) || performance.now() > deadline) return rows;
      await delay(200);
    }
  }

  /** Jobs with our label that did not come through the proxy. */
  async function listUnrecorded() {
    const recorded = new Set(proxy.created.map(({ uid }) => uid));
    return (await cluster.listJobs())
      .filter(({ metadata }) => !recorded.has(metadata.uid))
      .map(({ metadata: { name, uid, labels } }) => ({ name, uid, jobId: labels?.['jobspawn.dev/job-id'] }))
      .flatMap(({ jobId, ...job }) => (jobId === undefined ? [] : [{ ...job, jobId }]));
  }

  return {
    dir,
    dice,
    cluster,
    proxy,
    service,
    ledger,
    client,
    get,
    listRows,
    findRow,
    conclude,
    /** The job's row once it is what the test waits for. */
    untilRow: (id: string, isAwaited: (row: Row) => boolean, timeoutMs = 20_000) =>
      until(
        async () => {
          const row = await findRow(id);
          return isAwaited(row) ? row : undefined;
        },
        { timeoutMs },
      ),
    untilEnded: (id: string, timeoutMs = 20_000) =>
      until(
        async () => {
          const row = await findRow(id);
          return isFinal(row) ? row : undefined;
        },
        { timeoutMs },
      ),
    async stop() {
      await record.stop();
      if (!service.hasEnded()) await service.kill();
      await proxy.stop();
      await cluster.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

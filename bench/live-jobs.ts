import { pino } from 'pino';
import { createJobTokens } from '../src/app/job-token.ts';
import { jobIdLabel, managedBy, managedByLabel } from '../src/core/labels.ts';
import { toJobManifest } from '../src/kube/job-manifest.ts';
import { openStore } from '../src/store/store.ts';
import { quickNamespace } from '../test/faults/quick-cluster.ts';
import type { QuickRig } from '../test/faults/quick-rig.ts';
import { newJob } from '../test/store/stage.ts';
import type { LoadRequest } from './load-client.ts';
import type { PreparedDatabases } from './prepared-databases.ts';
import { createdSchema, createLives } from './recorded-life.ts';
import type { Kind } from './recorded-life.ts';

export type LiveJob = { id: string; token: string };

const nameOf = (id: string) => `report-${id}`;
const uidOf = (id: string) => `uid-of-${id}`;

/** So many jobs in a database that nobody has open, whose Jobs were created and not seen since; and the tokens of their workers. */
export async function writeLiveJobs(path: string, count: number): Promise<LiveJob[]> {
  const store = openStore({ path, clock: () => new Date(), log: pino({ level: 'silent' }) });
  try {
    const tokens = createJobTokens(store.reportKey());
    const ids = Array.from({ length: count }, (_none, n) => `job-${n}`);
    await Promise.all(
      ids.map((id) =>
        store.groupCommit(() => {
          store.acceptJob(newJob({ id, kubernetesName: nameOf(id), namespace: quickNamespace }));
          store.claimDispatch(id);
          store.settleCreated(id, { uid: uidOf(id) });
        }),
      ),
    );
    return ids.map((id) => ({ id, token: tokens.issue(id) }));
  } finally {
    store.close();
  }
}

/** The same, for a service that has not started yet, and in its cluster. */
export async function furnishLiveJobs(
  { service, cluster }: QuickRig,
  { databases, count }: { databases: PreparedDatabases; count: number },
): Promise<LiveJob[]> {
  const { jobs, copyTo } = await databases.prepareLiveJobs(count);
  copyTo(service.databasePath);
  for (const { id } of jobs) {
    const labels = { [managedByLabel]: managedBy, [jobIdLabel]: id };
    cluster.shelves.put('jobs', {
      metadata: { name: nameOf(id), uid: uidOf(id), labels },
      spec: { parallelism: 1, completions: 1, template: { spec: newJob().spec } },
      status: { active: 1 },
    });
  }
  return jobs;
}

/** Them and their pods as a real cluster lists them, while they run. */
export function toListed(jobs: readonly LiveJob[]): Record<Kind, string[]> {
  const toLife = createLives();
  const lives = jobs.map(({ id, token }) => {
    const item = newJob({ id, kubernetesName: nameOf(id), namespace: quickNamespace });
    const manifest = toJobManifest({ item, callbackUrl: 'http://jobspawn.jobspawn.svc', token });
    return toLife({ job: createdSchema.parse(manifest), uid: uidOf(id) }).events;
  });
  const pick = (kind: Kind) =>
    lives.map((life) => {
      const running = life.findIndex(({ phase }) => phase === 'Running') + 1;
      // With the event of its Job that comes after it, and says so too.
      return life.slice(0, running + 1).findLast((event) => event.kind === kind)?.object ?? '';
    });
  return { jobs: pick('jobs'), pods: pick('pods') };
}

/** As our worker sends it. */
export function toReportRequest({ id, token }: LiveJob, status: string, podUid = `pod-of-${id}`) {
  return {
    method: 'POST',
    path: '/status',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ 'job-id': id, status, progress: 40, task: 0, 'pod-uid': podUid }),
  } satisfies LoadRequest;
}

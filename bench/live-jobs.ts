import { pino } from 'pino';
import { createJobTokens } from '../src/app/job-token.ts';
import { jobIdLabel, managedBy, managedByLabel } from '../src/core/labels.ts';
import { openStore } from '../src/store/store.ts';
import { quickNamespace } from '../test/faults/quick-cluster.ts';
import type { QuickRig } from '../test/faults/quick-rig.ts';
import { newJob } from '../test/store/stage.ts';
import type { LoadRequest } from './load-client.ts';

export type LiveJob = { id: string; token: string };

/** So many jobs that are in the cluster, in the database of a service that has not started yet, and the tokens of their workers. */
export async function furnishLiveJobs({ service, cluster }: QuickRig, count: number): Promise<LiveJob[]> {
  const log = pino({ level: 'silent' });
  const store = openStore({ path: service.databasePath, clock: () => new Date(), log });
  try {
    const tokens = createJobTokens(store.reportKey());
    const ids = Array.from({ length: count }, (_none, n) => `job-${n}`);
    await Promise.all(
      ids.map((id) =>
        store.groupCommit(() => {
          const kubernetesName = `report-${id}`;
          const uid = `uid-of-${id}`;
          const job = newJob({ id, kubernetesName, namespace: quickNamespace });
          store.acceptJob(job);
          store.claimDispatch(id);
          store.settleCreated(id, { uid });
          const labels = { [managedByLabel]: managedBy, [jobIdLabel]: id };
          cluster.shelves.put('jobs', {
            metadata: { name: kubernetesName, uid, labels },
            spec: { parallelism: 1, completions: 1, template: { spec: job.spec } },
            status: { active: 1 },
          });
        }),
      ),
    );
    return ids.map((id) => ({ id, token: tokens.issue(id) }));
  } finally {
    store.close();
  }
}

/** As our worker sends it. */
export function toReportRequest({ id, token }: LiveJob, status: string): LoadRequest {
  return {
    method: 'POST',
    path: '/status',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ 'job-id': id, status, progress: 40, task: 0, 'pod-uid': `pod-of-${id}` }),
  };
}

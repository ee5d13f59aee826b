import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { openStore } from '../../src/store/store.ts';
import { newJob } from '../store/stage.ts';
import { until } from '../support/until.ts';
import { quickNamespace, run } from './quick-cluster.ts';
import { startQuickRig } from './quick-rig.ts';
import type { QuickRig } from './quick-rig.ts';

const jobs = 5000;
/** Of these the database knows; the others bear our label, and belong to no row. */
const ours = 500;

let rig: QuickRig;

beforeAll(async () => {
  // So that there is room for one more.
  rig = await startQuickRig({ env: { MAX_ACTIVE: String(jobs) } });
  const log = pino({ level: 'silent' });
  const store = openStore({ path: rig.service.databasePath, clock: () => new Date(), log });
  for (let n = 0; n < jobs; n += 1) {
    const metadata = { name: `report-${n}`, uid: `uid-${n}`, labels: { 'jobspawn.dev/job-id': `job-${n}` } };
    const spec = { parallelism: 1, completions: 1, template: { spec: newJob().spec } };
    run(rig.cluster.shelves, rig.cluster.shelves.put('jobs', { metadata, spec }));
    if (n >= ours) continue;
    const { name: kubernetesName, uid } = metadata;
    store.acceptJob(newJob({ id: `job-${n}`, kubernetesName, namespace: quickNamespace }));
    store.claimDispatch(`job-${n}`);
    store.settleCreated(`job-${n}`, { uid });
  }
  store.close();
});

afterAll(async () => {
  await rig.stop();
});

test('fault 21: with 5,000 Jobs in the cluster at its start the service answers meanwhile, becomes ready, and knows each of them', async () => {
  const { service, cluster } = rig;
  service.start();
  const pages: number[] = [];
  await until(
    async () => {
      const readyz = await service.readyz();
      if (readyz?.status === 503) pages.push((await fetch(`${service.url}/jobs`)).status);
      return readyz?.status === 200;
    },
    { timeoutMs: 25_000, everyMs: 5 },
  );
  expect(new Set(pages)).toEqual(new Set([200]));
  const lists = cluster.requests.filter(
    ({ path, query }) => path.endsWith('/jobs') && query.get('watch') === null,
  );
  expect(lists.map(({ query }) => query.get('continue'))).toEqual([
    null,
    ...Array.from({ length: 24 }, (_none, n) => String(200 * (n + 1))),
  ]);
  expect(await rig.findState('job-0')).toBe('RUNNING');
  expect(await rig.findState(`job-${ours - 1}`)).toBe('RUNNING');
  const orphans = () => service.logLines().filter((line) => line.includes('belongs to no row')).length;
  await until(() => orphans() === jobs - ours);
  await rig.untilState(await rig.submit(), 'SUCCEEDED');
});

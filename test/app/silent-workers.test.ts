import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Job } from '../../src/core/job.ts';
import { startFakeApi } from '../kube/fake-api.ts';
import { startTestApp } from '../support/running-app.ts';
import { until } from '../support/until.ts';

let nowhere: Awaited<ReturnType<typeof startFakeApi>>;
let app: Awaited<ReturnType<typeof startTestApp>>;

beforeEach(async () => {
  // It answers 404 to whatever is reported, so that the worker does not go on trying for a minute and a half.
  nowhere = await startFakeApi();
  app = await startTestApp({ CALLBACK_URL: nowhere.address });
});

afterEach(async () => {
  await app.stop();
  await nowhere.close();
});

const exec = (script: string) => ['exec', '--', 'sh', '-c', script];

/** The ended job once it has so many words; the news of its pods may come after that of its end. */
async function untilHeard(id: string, words: number): Promise<Job> {
  await app.untilDone(id, 40_000);
  return until(async () => {
    const job = await app.findJob(id);
    return job.reports.length >= words ? job : undefined;
  });
}

test('a worker whose every report is lost is heard all the same, by its termination message', async () => {
  const { id } = await app.submit({ name: 'lost', args: exec('echo \'JOBSPAWN_RESULT {"rows": 1200}\'') });
  const job = await untilHeard(id, 1);
  expect(job).toMatchObject({
    state: 'SUCCEEDED',
    report: { status: 'SUCCESS' },
    result: { rows: 1200 },
    discrepancy: null,
  });
  expect(job.reports.map(({ status, podUid }) => [status, podUid])).toEqual([
    ['SUCCESS', job.tasks[0]?.attempts[0]?.podUid],
  ]);
});

test('that the words of workers are lost shows on the cluster page', async () => {
  const { id } = await app.submit({ name: 'lost', args: exec('true') });
  await untilHeard(id, 1);
  const page = await (await fetch(`${app.url}/cluster`)).text();
  expect(page).toContain(
    `None has ever come in, and 1 ended with their last word in the termination message`,
  );
  expect(page).toContain('data-verdict="wrong"');
});

test('each attempt of a job that is tried again has the message of its own pod', async () => {
  const { id } = await app.submit({
    name: 'lost',
    backoffLimit: 1,
    args: exec('echo "no luck" >&2; exit 3'),
  });
  const { state, tasks, report, reports } = await untilHeard(id, 2);
  expect({ state, report }).toMatchObject({ state: 'FAILED', report: { status: 'ERROR' } });
  expect(reports.map(({ message }) => message)).toEqual(['Exit code 3.\nno luck', 'Exit code 3.\nno luck']);
  expect(new Set(reports.map(({ podUid }) => podUid))).toEqual(
    new Set(tasks[0]?.attempts.map(({ podUid }) => podUid)),
  );
});

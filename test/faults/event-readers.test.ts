import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { openStore } from '../../src/store/store.ts';
import { newJob } from '../store/stage.ts';
import { until } from '../support/until.ts';
import { startEventRecord } from './event-record.ts';
import { startQuickRig } from './quick-rig.ts';
import type { QuickRig } from './quick-rig.ts';
import type { SourceEdit } from './source-edits.ts';

const readers = 200;
/** More than the buffers of both ends of a connection hold. */
const reports = 3000;
const message = 'm'.repeat(4096);

/** Half a minute is much for a test. */
const impatience: SourceEdit[] = [
  {
    file: 'src/handlers/stream.ts',
    find: 'const longestStallMs = 30_000;',
    replace: 'const longestStallMs = 1000;',
  },
  {
    file: 'src/handlers/stream.ts',
    find: 'class StalledReader extends Error {}',
    replace: "class StalledReader extends Error { told = console.error('a reader is dropped'); }",
  },
];

let rig: QuickRig;
let lastSeq: number;

beforeAll(async () => {
  rig = await startQuickRig();
  const log = pino({ level: 'silent' });
  const store = openStore({ path: rig.service.databasePath, clock: () => new Date(), log });
  store.acceptJob(newJob());
  for (let n = 0; n < reports; n += 1) store.addReport({ 'job-id': 'job-1', status: 'Working', message });
  store.requestCancel('job-1', 'User');
  lastSeq = store.lastSeq();
  store.close();
  rig.service.start(impatience);
  await rig.service.untilReady();
});

afterAll(async () => {
  await rig.stop();
});

test('fault 23: a reader of the events that has stalled is dropped, and 200 others are told everything, once and in order', async () => {
  const { url } = rig.service;
  const records = Array.from({ length: readers }, () => startEventRecord(url, lastSeq));
  try {
    const [stalled] = (await once(get(`${url}/api/v1/events?after=0`), 'response')) as [IncomingMessage];
    const lost = once(stalled, 'error');
    const isDropped = () => rig.service.logLines().includes('a reader is dropped');
    while (!isDropped()) {
      await rig.untilState(await rig.submit(), 'SUCCEEDED');
    }
    stalled.resume();
    expect(await lost).toMatchObject([{ code: 'ECONNRESET' }]);
    const last = await rig.submit();
    await rig.untilState(last, 'SUCCEEDED');
    const hasHeard = ({ events }: (typeof records)[number]) =>
      events.some(({ jobId, state }) => jobId === last && state === 'SUCCEEDED');
    await until(() => records.every(hasHeard));

    const seqs = records.map(({ events }) => events.map(({ seq }) => seq));
    const newest = Math.min(...seqs.map((told) => told.at(-1) ?? 0));
    const expected = Array.from({ length: newest - lastSeq }, (_none, n) => lastSeq + 1 + n);
    for (const told of seqs) expect(told.filter((seq) => seq <= newest)).toEqual(expected);
  } finally {
    await Promise.all(records.map((record) => record.stop()));
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../src/store/database.ts';
import { createWrites } from '../../src/store/writes.ts';
import { silent } from './stage.ts';

let directory: string;
let database: ReturnType<typeof openDatabase>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'jobspawn-writes-'));
  database = openDatabase(join(directory, 'jobspawn.db'));
  database.db.exec(
    `INSERT INTO jobs (id, name, spec, priority, request_hash, namespace, generate_name, kubernetes_name, created_at)
     VALUES ('a', 'a', '{}', 0, '', 'jobs', 'a-', 'a-b', '2026-01-01T00:00:00.000Z')`,
  );
});

afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

function setup(options: { patienceMs?: number } = {}) {
  const writes = createWrites({ db: database.db, clock: () => new Date(), log: silent, ...options });
  const say = (message: string) => writes.append({ jobId: 'a', kind: 'report', state: 'QUEUED', message });
  const count = () => database.db.prepare('SELECT count(*) FROM job_events').pluck().get();
  return { writes, say, count };
}

test('listeners are told once, after the commit, and only of transactions that wrote history', () => {
  const { writes, say, count } = setup();
  const seen: unknown[] = [];
  const stop = writes.onCommit(() => seen.push([count(), database.db.inTransaction]));
  writes.transact(() => {
    say('one');
    say('two');
  });
  writes.transact(() => 'nothing');
  expect(seen).toEqual([[2, false]]);
  stop();
  writes.transact(() => say('three'));
  expect(seen).toHaveLength(1);
});

test('a transaction that throws leaves nothing behind and tells nobody', () => {
  const { writes, say, count } = setup();
  let told = 0;
  writes.onCommit(() => (told += 1));
  const failing = () =>
    writes.transact(() => {
      say('one');
      throw new Error('changed my mind');
    });
  expect(failing).toThrow('changed my mind');
  expect(count()).toBe(0);
  writes.transact(() => undefined);
  expect(told).toBe(0);
});

test('fault 24: a listener that throws keeps nothing from the others, nor from the writer', () => {
  const { writes, say } = setup();
  let told = 0;
  writes.onCommit(() => {
    throw new Error('broken listener');
  });
  writes.onCommit(() => (told += 1));
  expect(writes.transact(() => (say('one'), 'written'))).toBe('written');
  expect(told).toBe(1);
  expect(writes.countListenerFaults()).toBe(1);
});

test('fault 4: a full disk is unavailable, leaves nothing half written, and is forgotten when there is room again', () => {
  const { writes, say, count } = setup();
  const limit = (pages: number) => database.db.pragma(`max_page_count = ${pages}`);
  limit(Number(database.db.pragma('page_count', { simple: true })));
  const write = () => writes.transact(() => say('x'.repeat(1024 * 1024)));
  expect(write).toThrow(expect.objectContaining({ name: 'AppError', code: 'unavailable' }));
  expect(count()).toBe(0);
  limit(1_000_000);
  write();
  expect(count()).toBe(1);
});

describe('changes of one turn of the event loop', () => {
  test('share one transaction, and each is answered once it is on the disk', async () => {
    const { writes, say, count } = setup();
    let commits = 0;
    writes.onCommit(() => (commits += 1));
    const answers = ['one', 'two', 'three'].map((word) =>
      writes.groupCommit(() => {
        say(word);
        return word;
      }),
    );
    expect(count()).toBe(0);
    expect(await Promise.all(answers)).toEqual(['one', 'two', 'three']);
    expect([count(), commits]).toEqual([3, 1]);
  });

  test('fail alone: what one of them throws undoes nothing of the others', async () => {
    const { writes, say, count } = setup();
    const outcomes = await Promise.allSettled([
      writes.groupCommit(() => say('one')),
      writes.groupCommit(() => {
        say('two');
        throw new Error('changed my mind');
      }),
      writes.groupCommit(() => say('three')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(count()).toBe(2);
  });

  test('tell of a commit once for each that is written alone, and never of what was undone', async () => {
    const { writes, say, count } = setup();
    const seen: unknown[] = [];
    writes.onCommit(() => seen.push(count()));
    await Promise.allSettled([
      writes.groupCommit(() => say('one')),
      writes.groupCommit(() => {
        say('two');
        throw new Error('changed my mind');
      }),
      writes.groupCommit(() => say('three')),
    ]);
    expect(seen).toEqual([1, 2]);
  });

  test('are all refused by a full disk, none is written, and the next ones are taken when there is room', async () => {
    const { writes, say, count } = setup();
    const limit = (pages: number) => database.db.pragma(`max_page_count = ${pages}`);
    limit(Number(database.db.pragma('page_count', { simple: true })));
    const outcomes = await Promise.allSettled([
      writes.groupCommit(() => say('small')),
      writes.groupCommit(() => say('x'.repeat(1024 * 1024))),
    ]);
    const unavailable = { status: 'rejected', reason: expect.objectContaining({ code: 'unavailable' }) };
    expect(outcomes).toEqual([unavailable, unavailable]);
    expect(count()).toBe(0);
    limit(1_000_000);
    await writes.groupCommit(() => say('again'));
    expect(count()).toBe(1);
  });

  test('are taken in order and in bounded bites, however many they are', async () => {
    const { writes, say } = setup();
    let commits = 0;
    writes.onCommit(() => (commits += 1));
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 250 }, (_, n) =>
        writes.groupCommit(() => {
          say(String(n));
          order.push(n);
        }),
      ),
    );
    expect(order).toEqual(Array.from({ length: 250 }, (_, n) => n));
    expect(commits).toBe(3);
  });
});

test.each([
  ["UPDATE jobs SET state = 'RUNNING', claimed_at = created_at", 'a running job has a start'],
  ["UPDATE jobs SET state = 'SUCCEEDED', claimed_at = created_at", 'a final job has an end'],
  ['UPDATE jobs SET finished_at = created_at', 'only a final job has an end'],
  ["UPDATE jobs SET state = 'CREATED'", 'what is in the cluster was claimed first'],
  ["UPDATE jobs SET kubernetes_uid = 'u', claimed_at = created_at", 'a uid comes with an outcome'],
  ["UPDATE jobs SET claimed_at = created_at, dispatch = 'created'", 'a created Job has a uid'],
  ["UPDATE jobs SET state = 'PAUSED'", 'a state is one of the seven'],
  ["UPDATE jobs SET spec = 'no json'", 'a spec is JSON'],
])('the schema refuses "%s": %s', (sql) => {
  expect(() => database.db.exec(sql)).toThrow(/CHECK constraint failed/);
});

describe('a change that can wait', () => {
  const canWait = true;

  test('goes with the next one that cannot, however much later', async () => {
    const { writes, say, count } = setup({ patienceMs: 3_600_000 });
    await writes.groupCommit(() => say('one'));
    let commits = 0;
    writes.onCommit(() => (commits += 1));
    const patient = [writes.groupCommit(() => say('two'), { canWait })];
    await nextTurn();
    patient.push(writes.groupCommit(() => say('three'), { canWait }));
    await nextTurn();
    await nextTurn();
    expect([count(), commits]).toEqual([1, 0]);
    await writes.groupCommit(() => say('four'));
    await Promise.all(patient);
    expect([count(), commits]).toEqual([4, 1]);
  });

  test('goes alone where no other comes', async () => {
    const { writes, say, count } = setup({ patienceMs: 20 });
    await writes.groupCommit(() => say('one'));
    await writes.groupCommit(() => say('two'), { canWait });
    expect(count()).toBe(2);
  });

  test('does not wait where there was no group for a while', async () => {
    const { writes, say, count } = setup({ patienceMs: 3_600_000 });
    await writes.groupCommit(() => say('one'), { canWait });
    expect(count()).toBe(1);
  });

  test('is not left behind by those that share its turn', async () => {
    const { writes, say, count } = setup({ patienceMs: 3_600_000 });
    await writes.groupCommit(() => say('one'));
    await Promise.all([
      writes.groupCommit(() => say('two')),
      writes.groupCommit(() => say('three'), { canWait }),
    ]);
    expect(count()).toBe(3);
  });
});

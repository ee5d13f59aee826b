import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { openStore } from '../../src/store/store.ts';
import { newJob, openStage, silent } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

/** Sixty such jobs are many steps of a copy. */
const large = Array.from({ length: 4 }, () => 'x'.repeat(120_000));

let stage: Stage;
let directory: string;
let file: string;

beforeEach(() => {
  stage = openStage();
  directory = mkdtempSync(join(tmpdir(), 'jobspawn-backup-'));
  file = join(directory, 'copy.db');
});

afterEach(() => {
  stage.close();
  rmSync(directory, { recursive: true });
});

/** `npm run backup -- ...`, in a process of its own. */
function start(args: string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['src/app/backup.ts', ...args], {
    env: { PATH: process.env['PATH'], DATABASE_PATH: stage.path, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { child, ended: told.then(([said, complained]) => ({ code: child.exitCode, said, complained })) };
}

const backUp = (args: string[], environment?: Record<string, string>) => start(args, environment).ended;

function accept(nth: number, args: string[] = []): void {
  stage.accept({ id: `job-${nth}`, kubernetesName: `report-${nth}`, spec: { args } });
}

function valuesOf(path: string, sql: string): unknown[] {
  const db = new Database(path, { readonly: true });
  const values = db.prepare(sql).pluck().all();
  db.close();
  return values;
}

/** What the copy is as a database of ours. */
function open(path: string): Stage['store'] {
  return openStore({ path, clock: stage.clock, log: silent });
}

test('is one whole file, for this user alone, made while the service runs', async () => {
  const key = stage.store.reportKey();
  accept(1);
  accept(2);
  expect(await backUp([file])).toEqual({
    code: 0,
    said: expect.stringMatching(/^\/.*copy\.db: \d\.\d MiB, 2 jobs\n$/),
    complained: '',
  });
  expect(readdirSync(directory)).toEqual(['copy.db']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(valuesOf(file, 'PRAGMA integrity_check')).toEqual(['ok']);
  const copy = open(file);
  expect(copy.listJobs({ limit: 10 })).toEqual(stage.store.listJobs({ limit: 10 }));
  expect(copy.reportKey()).toEqual(key);
  copy.close();
});

test('shows a single moment, and ends, however busily the service writes', async () => {
  for (let nth = 0; nth < 60; nth += 1) accept(nth, large);
  const { child, ended } = start([file]);
  let accepted = 60;
  let acceptedWhenSeen = 0;
  while (child.exitCode === null) {
    accept(accepted);
    accepted += 1;
    if (acceptedWhenSeen === 0 && readdirSync(directory).length > 0) acceptedWhenSeen = accepted;
    await nextTurn();
  }
  const { code, said } = await ended;
  const numberOf = (what: string) => Number(valuesOf(file, `SELECT ${what}`)[0]);
  const jobs = numberOf('count(*) FROM jobs');
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(`, ${jobs} jobs\n`) });
  expect(numberOf('max(number) FROM jobs')).toBe(jobs);
  expect(numberOf('sum(jobs) FROM job_counts')).toBe(jobs);
  expect(numberOf('count(*) FROM job_events')).toBe(jobs);
  // It was taken before the first page was copied; a copy that begins anew with each commit is of a later moment.
  expect(jobs).toBeLessThanOrEqual(acceptedWhenSeen);
  expect(accepted).toBeGreaterThan(acceptedWhenSeen);
});

test('can be made of a database that no service uses', async () => {
  accept(1);
  stage.store.close();
  expect(await backUp([file])).toMatchObject({ code: 0, said: expect.stringContaining('1 job\n') });
  stage.reopen();
  expect(stage.store.findJob('job-1')).toBeDefined();
});

test('takes what waited for a claimed one, which may have been sent since, and leaves the rest as it is', async () => {
  accept(1);
  accept(2);
  accept(3);
  stage.store.claimDispatch('job-2');
  stage.store.requestCancel('job-3', 'User');
  const before = Date.now();
  await backUp([file]);
  const [waiting, ...others] = valuesOf(
    file,
    "SELECT state || ' ' || coalesce(claimed_at, 'unclaimed') FROM jobs ORDER BY number",
  );
  const claimedAt = Date.parse(/^QUEUED (.+)$/.exec(String(waiting))?.[1] ?? '');
  expect(claimedAt).toBeGreaterThanOrEqual(before);
  expect(claimedAt).toBeLessThanOrEqual(Date.now());
  expect(others).toEqual([`QUEUED ${stage.clock().toISOString()}`, 'CANCELLED unclaimed']);
  const stillWaiting = "SELECT id FROM jobs WHERE claimed_at IS NULL AND state = 'QUEUED'";
  expect(valuesOf(stage.path, stillWaiting)).toEqual(['job-1']);
});

describe('is refused in one sentence', () => {
  afterEach(() => expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]));

  test('where there is a file already', async () => {
    writeFileSync(file, 'precious');
    expect(await backUp([file])).toEqual({
      code: 1,
      said: '',
      complained: `${file} is there already; a backup replaces nothing.\n`,
    });
    expect(statSync(file).size).toBe(8);
  });

  test('where the directory does not exist', async () => {
    expect(await backUp([join(directory, 'nowhere', 'copy.db')])).toEqual({
      code: 1,
      said: '',
      complained: `The directory ${join(directory, 'nowhere')} of the backup does not exist.\n`,
    });
  });

  test('where there is no database, and none is made', async () => {
    const missing = join(directory, 'missing.db');
    const { code, complained } = await backUp([file], { DATABASE_PATH: missing });
    expect({ code, complained }).toEqual({ code: 1, complained: `There is no database ${missing}.\n` });
    expect(existsSync(missing)).toBe(false);
  });

  test.each([
    [
      'no database at all',
      'is not a database.',
      (path: string) => writeFileSync(path, 'a letter '.repeat(999)),
    ],
    [
      'the database of another program',
      'is a database of another program.',
      (path: string) => {
        const other = new Database(path);
        other.exec('CREATE TABLE recipes (name TEXT)');
        other.close();
      },
    ],
    ['a directory', 'is no file, so it cannot be the database.', (path: string) => mkdirSync(path)],
  ])('where it is %s', async (_, sentence, make) => {
    const foreign = join(directory, 'foreign');
    make(foreign);
    const { code, complained } = await backUp([file], { DATABASE_PATH: foreign });
    expect(code).toBe(78);
    expect(complained).toMatch(new RegExp(`^[^\\n]*foreign ${sentence}\\n$`));
    expect(readdirSync(directory)).toEqual(['foreign']);
  });

  test('where a newer program wrote the database', async () => {
    const newer = new Database(stage.path);
    newer.pragma('user_version = 999');
    newer.close();
    expect(await backUp([file])).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/^The database has schema 999.*\n$/),
    });
    expect(existsSync(file)).toBe(false);
  });

  test.each([[[]], [['a', 'b']], [['--help']]])('when it is called with %j', async (args) => {
    expect(await backUp(args)).toEqual({ code: 78, said: '', complained: 'Usage: npm run backup -- FILE\n' });
  });
});

test('leaves nothing behind when it is broken off', async () => {
  for (let nth = 0; nth < 60; nth += 1) accept(nth, large);
  // A signal from outside may come when all is done. This one the process sends itself between two steps of the copy.
  const breakOff = `
    import { readdirSync } from 'node:fs';
    const look = () => {
      if (readdirSync(${JSON.stringify(directory)}).length > 0) process.kill(process.pid, 'SIGTERM');
      else setImmediate(look).unref();
    };
    look();`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(breakOff)}`;
  expect(await backUp([file], { NODE_OPTIONS: preload })).toEqual({
    code: 1,
    said: '',
    complained: 'The backup was broken off.\n',
  });
  expect(readdirSync(directory)).toEqual([]);
});

test('can be taken of a database whose service was killed', async () => {
  const killed = join(directory, 'killed.db');
  const script = `
    const { openStore } = await import(process.argv[1]);
    const store = openStore({ path: process.argv[2], clock: () => new Date(), log: console });
    store.acceptJob(JSON.parse(process.argv[3]));
    process.kill(process.pid, 'SIGKILL');`;
  const module = new URL('../../src/store/store.ts', import.meta.url).href;
  const service = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, module, killed, JSON.stringify(newJob())],
    { stdio: 'inherit' },
  );
  await once(service, 'exit');
  expect(statSync(`${killed}-wal`).size).toBeGreaterThan(0);
  expect(await backUp([file], { DATABASE_PATH: killed })).toMatchObject({ code: 0 });
  const copy = open(file);
  expect(copy.findJob('job-1')).toMatchObject({ state: 'QUEUED' });
  copy.close();
});

import {
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { LocalClusterFault, startLocalCluster } from '../../src/local-cluster/cluster.ts';
import { openRegistry } from '../../src/local-cluster/registry.ts';
import { minimalJob } from './api-under-test.ts';
import { silentLog } from './silent-log.ts';

let dataDir: string;
let file: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
  file = join(dataDir, 'cluster.db');
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const start = () => startLocalCluster({ dataDir, images: {}, log: silentLog });

/** A database as a cluster leaves it, with enough in it for several pages. */
function fillDatabase(): void {
  const registry = openRegistry({ dataDir, log: silentLog });
  for (let count = 0; count < 100; count += 1) registry.create('jobs', 'default', minimalJob(`job-${count}`));
  registry.close();
}

function change(sql: string): void {
  const database = new Database(file);
  database.exec(sql);
  database.close();
}

/** Writes over the end of the file, or over what begins at an offset. */
function scribble(bytes: number, at = statSync(file).size - bytes): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(bytes, 0xa5), 0, bytes, at);
  closeSync(descriptor);
}

/** The sentence in which the start is refused; what holds it can then be put right, so nothing may be left open. */
async function faultOf(): Promise<string> {
  const error: unknown = await start().catch((fault: unknown) => fault);
  if (!(error instanceof LocalClusterFault)) throw new Error(`not refused as a fault: ${String(error)}`);
  expect(error.message).not.toContain('\n');
  return error.message;
}

describe('a cluster does not start on a database that is', () => {
  test('no database', async () => {
    writeFileSync(file, 'not a database, but a text of some length\n'.repeat(100));
    expect(await faultOf()).toBe(`${file} cannot be used: file is not a database`);
  });

  test('a directory', async () => {
    mkdirSync(file);
    expect(await faultOf()).toBe(`${file} cannot be used: unable to open database file`);
  });

  test('malformed from the first page on', async () => {
    fillDatabase();
    scribble(3000, 100);
    expect(await faultOf()).toBe(`${file} cannot be used: database disk image is malformed`);
  });

  test('malformed on a later page', async () => {
    fillDatabase();
    scribble(4096);
    expect(await faultOf()).toMatch(/cluster\.db (is damaged|cannot be used): /);
  });

  test('whole, with an object that is broken', async () => {
    fillDatabase();
    change(`UPDATE object SET body = '{"kind":' WHERE name = 'job-7'`);
    expect(await faultOf()).toBe(`the data of the local cluster are damaged at jobs default/job-7`);
    change(`UPDATE object SET body = '{}' WHERE name = 'job-7'`);
    expect(await faultOf()).toBe(`the data of the local cluster are damaged at jobs default/job-7`);
  });

  test("another program's", async () => {
    change('CREATE TABLE object (id INTEGER PRIMARY KEY)');
    expect(await faultOf()).toMatch(/cluster\.db cannot be used: /);
  });

  test("a newer cluster's, and leaves it as it is", async () => {
    fillDatabase();
    change('PRAGMA user_version = 3');
    const before = readFileSync(file);
    expect(await faultOf()).toBe(`${file} was written by a newer version of the local cluster`);
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

test('a cluster starts on the database of one that knew no schema version', async () => {
  fillDatabase();
  change('PRAGMA user_version = 0');
  await (await start()).stop();
  const database = new Database(file);
  expect(database.pragma('user_version', { simple: true })).toBe(2);
  database.close();
});

describe('a cluster does not start when its files are not what they were', () => {
  beforeEach(fillDatabase);

  test.each(['kubeconfig', 'kubeconfig.new', 'url-prefix.new'])('%s is a directory', async (name) => {
    mkdirSync(join(dataDir, name));
    expect(await faultOf()).toBe(`${join(dataDir, name)} cannot be used: EISDIR`);
  });

  test('url-prefix cannot be read', async () => {
    mkdirSync(join(dataDir, 'url-prefix'));
    expect(await faultOf()).toBe(`${join(dataDir, 'url-prefix')} cannot be read: EISDIR`);
  });

  test.each(['broken', '', '/', `/${'g'.repeat(32)}`, `/${'0'.repeat(31)}`])(
    'url-prefix holds %j',
    async (text) => {
      const prefix = join(dataDir, 'url-prefix');
      writeFileSync(prefix, text);
      expect(await faultOf()).toBe(`${prefix} holds something else than a slash and 32 hex digits`);
      expect(readFileSync(prefix, 'utf8')).toBe(text);
    },
  );

  test.each(['processes', 'pods'])('%s is a file', async (name) => {
    writeFileSync(join(dataDir, name), '');
    expect(await faultOf()).toMatch(new RegExp(`^${join(dataDir, name)} cannot be used: E`));
  });
});

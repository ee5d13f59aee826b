import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { commandLine } from '../../src/core/access.ts';
import { auditEntrySchema } from '../../src/core/audit.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage.close());

/** `npm run jobspawn -- ...`, while the store is open as the service has it. */
async function run(...args: string[]) {
  const child = spawn(process.execPath, ['src/app/cli.ts', ...args], {
    env: { PATH: process.env['PATH'], DATABASE_PATH: stage.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, said, complained };
}

test('a token that is made beside the service is valid at once, until it is revoked', async () => {
  const { code, said } = await run('token', 'create', '--role', 'operator', '--name', 'ci');
  expect(code).toBe(0);
  const secret = said.trim();
  expect(stage.store.findToken(secret)).toMatchObject({ name: 'ci', role: 'operator' });
  const list = await run('token', 'list');
  expect(list.said).toMatch(
    /^NAME +ROLE +CREATED +LAST USED +REVOKED\nci +operator +\d{4}-\d\d-\d\d +- +-\n$/,
  );
  expect(list.said).not.toContain(secret);
  expect(await run('token', 'revoke', 'ci')).toEqual({ code: 0, said: '', complained: '' });
  expect(stage.store.findToken(secret)).toBeUndefined();
});

test('the audit log is exported whole, one entry a line', async () => {
  for (let nth = 0; nth < 1001; nth += 1) {
    stage.store.noteAction({ by: { name: 'ada', address: null }, action: 'cancel', target: `job-${nth}` });
  }
  await run('token', 'create', '--role', 'viewer', '--name', 'ci');
  const { code, said } = await run('audit', 'export');
  expect(code).toBe(0);
  const entries = said
    .trimEnd()
    .split('\n')
    .map((line) => auditEntrySchema.parse(JSON.parse(line)));
  expect(entries).toHaveLength(1002);
  expect(entries.at(-1)).toMatchObject({ principal: 'command line', action: 'token-create', target: 'ci' });
});

test('what cannot be done is said in one sentence', async () => {
  stage.store.createToken({ name: 'ci', role: 'viewer', by: commandLine });
  expect(await run('token', 'create', '--role', 'admin', '--name', 'ci')).toEqual({
    code: 1,
    said: '',
    complained: 'There is, or was, a token "ci" already; choose another name.\n',
  });
  expect(await run('token', 'revoke', 'nobody')).toMatchObject({
    code: 1,
    complained: 'There is no valid token "nobody".\n',
  });
});

test.each([
  [['token', 'create', '--role', 'king', '--name', 'x'], 'Allowed choices are viewer, operator, admin'],
  [['token', 'create', '--role', 'admin', '--name', 'a b'], 'lower case letters'],
  [['token', 'create', '--role', 'admin', '--name', 'bootstrap'], 'reserved'],
  [['token', 'create', '--name', 'x'], "required option '--role <role>' not specified"],
  [['token', 'mint'], "unknown command 'mint'"],
  [['tokens'], "unknown command 'tokens'"],
])('%j is a wrong call', async (args, complaint) => {
  const { code, complained } = await run(...args);
  expect({ code, complained }).toEqual({ code: 78, complained: expect.stringContaining(complaint) });
});

test('help is no fault', async () => {
  expect(await run('--help')).toMatchObject({ code: 0, said: expect.stringContaining('token') });
});

test('a database of another version is left alone', async () => {
  const db = new Database(stage.path);
  db.pragma('user_version = 999');
  db.close();
  expect(await run('token', 'list')).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^The database has schema 999.*\n$/),
  });
});

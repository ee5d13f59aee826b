import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { keepFirstAdmin } from '../../src/app/bootstrap-token.ts';
import { ConfigError } from '../../src/app/config.ts';
import { createLog } from '../../src/app/log.ts';
import { commandLine } from '../../src/core/access.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

const secret = 's3cret-'.repeat(6);
let dir: string;
let file: string;
let stage: Stage;
let lines: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'jobspawn-bootstrap-'));
  file = join(dir, 'token');
  stage = openStage();
  lines = [];
});
afterEach(() => {
  stage.close();
  rmSync(dir, { recursive: true });
});

const log = createLog('warn', { write: (line: string) => lines.push(line) });
const keep = (path = file) => keepFirstAdmin(path, { store: stage.store, log });

test('a start without the file takes its token away until the file is back', () => {
  writeFileSync(file, `${secret}\n`);
  keep();
  rmSync(file);
  keep();
  expect(stage.store.findToken(secret)).toBeUndefined();
  expect(lines).toEqual([expect.stringContaining('BOOTSTRAP_TOKEN_FILE is not there')]);
  writeFileSync(file, secret);
  keep();
  expect(stage.store.findToken(secret)).toMatchObject({ role: 'admin' });
  expect(lines).toHaveLength(1);
});

test('a file that is there and cannot be read is a fault, and takes nothing away', () => {
  writeFileSync(file, secret);
  keep();
  for (const [path, code] of [
    [dir, 'EISDIR'],
    [join(file, 'token'), 'ENOTDIR'],
  ]) {
    const start = () => keep(path);
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(`BOOTSTRAP_TOKEN_FILE ${path} cannot be read (${code}).`);
  }
  expect(stage.store.findToken(secret)).toBeDefined();
});

test('the log says so when the token of the file was revoked by hand', () => {
  writeFileSync(file, secret);
  keep();
  stage.store.revokeToken('bootstrap', { by: commandLine });
  keep();
  expect(lines).toEqual([expect.stringContaining('was revoked by hand and opens nothing')]);
  expect(lines.join()).not.toContain(secret);
});

test('the secret of another token is a fault that names that token, and not the secret', () => {
  const { secret: other } = stage.store.createToken({ name: 'ci', role: 'viewer', by: commandLine });
  writeFileSync(file, other);
  expect(() => keep()).toThrow(ConfigError);
  expect(() => keep()).toThrow('holds the secret of the token "ci"');
  expect(() => keep()).not.toThrow(other);
});

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { commandLine } from '../../src/core/access.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const hourMs = 60 * 60 * 1000;
let stage: Stage;
beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage.close());

const tokenOf = (name: string) => stage.store.listTokens().find((each) => each.name === name);

test('a token is found by its secret, which the file does not hold', () => {
  const { secret } = stage.store.createToken({ name: 'ci', role: 'operator', by: commandLine });
  expect(secret).toMatch(/^jobspawn_[A-Za-z0-9_-]{43}$/);
  expect(stage.store.findToken(secret)).toEqual({ name: 'ci', role: 'operator', isUseDue: true });
  expect(stage.store.findToken(`${secret}x`)).toBeUndefined();
  const files = ['', '-wal'].map((suffix) => readFileSync(stage.path + suffix));
  const random = Buffer.from(secret.slice('jobspawn_'.length), 'base64url');
  for (const file of files) {
    expect(file.includes(secret)).toBe(false);
    expect(file.includes(random)).toBe(false);
  }
});

test('a name is never used twice, not even when its token was revoked', () => {
  const { secret } = stage.store.createToken({ name: 'ci', role: 'viewer', by: commandLine });
  const again = () => stage.store.createToken({ name: 'ci', role: 'admin', by: commandLine });
  expect(again).toThrow(expect.objectContaining({ code: 'conflict' }));
  stage.store.revokeToken('ci', { by: commandLine });
  expect(again).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(stage.store.findToken(secret)).toBeUndefined();
  const revokeAgain = () => stage.store.revokeToken('ci', { by: commandLine });
  expect(revokeAgain).toThrow(expect.objectContaining({ code: 'not-found' }));
});

test('its use is due to be noted when the last one that is noted was an hour ago', () => {
  const { secret } = stage.store.createToken({ name: 'ci', role: 'viewer', by: commandLine });
  const isDue = () => stage.store.findToken(secret)?.isUseDue;
  expect(isDue()).toBe(true);
  stage.store.noteTokenUse('ci');
  expect(tokenOf('ci')?.lastUsedAt).toBe(stage.clock().toISOString());
  stage.advance(hourMs - 1);
  expect(isDue()).toBe(false);
  stage.advance(1);
  expect(isDue()).toBe(true);
});

describe('the bootstrap token', () => {
  const [one, other] = ['a'.repeat(32), 'b'.repeat(32)];

  test('is an admin, the same after the next start', () => {
    stage.store.keepBootstrapToken(one);
    const made = tokenOf('bootstrap');
    stage.advance(hourMs);
    stage.store.keepBootstrapToken(one);
    expect(tokenOf('bootstrap')).toEqual(made);
    expect(stage.store.findToken(one)).toMatchObject({ name: 'bootstrap', role: 'admin' });
  });

  test('is replaced by another secret, and gone without one', () => {
    stage.store.keepBootstrapToken(one);
    stage.store.keepBootstrapToken(other);
    expect(stage.store.findToken(one)).toBeUndefined();
    expect(stage.store.findToken(other)).toBeDefined();
    stage.store.keepBootstrapToken(null);
    expect(stage.store.findToken(other)).toBeUndefined();
  });

  test('comes back with its secret, when that was away for a while', () => {
    stage.store.keepBootstrapToken(one);
    expect(stage.store.keepBootstrapToken(null)).toEqual({ kind: 'absent' });
    expect(stage.store.keepBootstrapToken(one)).toEqual({ kind: 'valid' });
    expect(stage.store.findToken(one)).toMatchObject({ name: 'bootstrap', role: 'admin' });
  });

  test('that was revoked by hand stays so until there is another secret', () => {
    stage.store.keepBootstrapToken(one);
    stage.store.revokeToken('bootstrap', { by: commandLine });
    for (const secret of [one, null, one]) stage.store.keepBootstrapToken(secret);
    expect(stage.store.keepBootstrapToken(one)).toEqual({ kind: 'revoked' });
    expect(stage.store.findToken(one)).toBeUndefined();
    stage.store.keepBootstrapToken(other);
    expect(stage.store.findToken(other)).toBeDefined();
  });

  test('is never a second name for the secret of another token', () => {
    stage.store.keepBootstrapToken(one);
    const { secret } = stage.store.createToken({ name: 'ci', role: 'viewer', by: commandLine });
    expect(stage.store.keepBootstrapToken(secret)).toEqual({ kind: 'taken', by: 'ci' });
    stage.store.revokeToken('ci', { by: commandLine });
    expect(stage.store.keepBootstrapToken(secret)).toEqual({ kind: 'taken', by: 'ci' });
    expect(stage.store.findToken(secret)).toBeUndefined();
    expect(stage.store.findToken(one)).toBeDefined();
  });
});

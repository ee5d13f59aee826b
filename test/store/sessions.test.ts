import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { commandLine } from '../../src/core/access.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const hourMs = 60 * 60 * 1000;
let stage: Stage;
beforeEach(() => {
  stage = openStage();
  stage.store.createToken({ name: 'ada', role: 'viewer', by: commandLine });
});
afterEach(() => stage.close());

function countSessions(): unknown {
  const db = new Database(stage.path, { readonly: true });
  const count = db.prepare('SELECT count(*) FROM sessions').pluck().get();
  db.close();
  return count;
}

test('a session is known by an id that the file does not hold', () => {
  const id = stage.store.startSession('ada', commandLine);
  expect(stage.store.findSession(id)).toEqual({ name: 'ada', role: 'viewer', isUseDue: false });
  expect(stage.store.findSession(`${id}x`)).toBeUndefined();
  for (const suffix of ['', '-wal']) expect(readFileSync(stage.path + suffix).includes(id)).toBe(false);
});

test('it ends two hours after the last request', () => {
  const id = stage.store.startSession('ada', commandLine);
  stage.advance(hourMs);
  stage.store.noteSessionUse(id);
  stage.advance(2 * hourMs - 1);
  expect(stage.store.findSession(id)).toBeDefined();
  stage.advance(1);
  expect(stage.store.findSession(id)).toBeUndefined();
});

test('its use is due to be noted when the last one that is noted was a minute ago', () => {
  const id = stage.store.startSession('ada', commandLine);
  stage.advance(59_999);
  expect(stage.store.findSession(id)?.isUseDue).toBe(false);
  stage.advance(1);
  expect(stage.store.findSession(id)?.isUseDue).toBe(true);
  stage.store.noteSessionUse(id);
  expect(stage.store.findSession(id)?.isUseDue).toBe(false);
});

test('it ends after twelve hours, however busy, and its row goes with a later login', () => {
  const id = stage.store.startSession('ada', commandLine);
  for (let hour = 0; hour < 12; hour += 1) {
    expect(stage.store.findSession(id)).toBeDefined();
    stage.advance(hourMs);
    stage.store.noteSessionUse(id);
  }
  expect(stage.store.findSession(id)).toBeUndefined();
  stage.store.startSession('ada', commandLine);
  expect(countSessions()).toBe(1);
});

test('another bootstrap secret ends the sessions of the one before', () => {
  stage.store.keepBootstrapToken('a'.repeat(32));
  const id = stage.store.startSession('bootstrap', commandLine);
  stage.store.keepBootstrapToken('a'.repeat(32));
  expect(stage.store.findSession(id)).toBeDefined();
  stage.store.keepBootstrapToken('b'.repeat(32));
  expect(stage.store.findSession(id)).toBeUndefined();
});

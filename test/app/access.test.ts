import { afterEach, beforeEach, expect, test } from '@jest/globals';
import express from 'express';
import type { Request } from 'express';
import request from 'supertest';
import { createAccess } from '../../src/app/access.ts';
import { commandLine } from '../../src/core/access.ts';
import { AppError } from '../../src/core/app-error.ts';
import { createSessionCookie } from '../../src/handlers/session-cookie.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

const route = { method: 'get', path: '/', needs: 'viewer' } as const;
const cookie = createSessionCookie({ isHttps: false });

let stage: Stage;
let secret: string;
let session: string;
let commits: number;
let trouble: unknown;

beforeEach(() => {
  stage = openStage();
  secret = stage.store.createToken({ name: 'ada', role: 'viewer', by: commandLine }).secret;
  session = stage.store.startSession('ada', commandLine);
  commits = 0;
  trouble = undefined;
});
afterEach(() => stage.close());

/** Who comes in is told the name that he is known by. */
function createServer() {
  const groupCommit = async <T>(change: () => T): Promise<T> => {
    commits += 1;
    if (trouble !== undefined) throw trouble;
    return stage.store.groupCommit(change);
  };
  const access = createAccess({ auth: { kind: 'token' }, store: { ...stage.store, groupCommit }, cookie });
  const admit = (req: Request, res: express.Response) => access.admit(req, res, route);
  return express().get('/', access.identify(route), async (req, res) =>
    res.send((await admit(req, res)).name),
  );
}

const comeWith = (headers: Record<string, string>) => request(createServer()).get('/').set(headers);

test('a token is written about once an hour, and only read the other times', async () => {
  for (let nth = 0; nth < 3; nth += 1)
    await comeWith({ Authorization: `Bearer ${secret}` }).expect(200, 'ada');
  expect(commits).toBe(1);
  stage.advance(60 * 60 * 1000);
  for (let nth = 0; nth < 3; nth += 1)
    await comeWith({ Authorization: `Bearer ${secret}` }).expect(200, 'ada');
  expect(commits).toBe(2);
});

test('a session is written about once a minute, and only read the other times', async () => {
  for (let nth = 0; nth < 3; nth += 1) await comeWith({ Cookie: `jobspawn=${session}` }).expect(200, 'ada');
  expect(commits).toBe(0);
  stage.advance(60 * 1000);
  for (let nth = 0; nth < 3; nth += 1) await comeWith({ Cookie: `jobspawn=${session}` }).expect(200, 'ada');
  expect(commits).toBe(1);
});

test('a disk that takes nothing keeps nobody out, and a defect does not pass for one', async () => {
  trouble = new AppError('unavailable', 'The database cannot be written at the moment.');
  await comeWith({ Authorization: `Bearer ${secret}` }).expect(200, 'ada');
  trouble = new TypeError('a defect');
  await comeWith({ Authorization: `Bearer ${secret}` }).expect(500);
});

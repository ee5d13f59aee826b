import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import request from 'supertest';
import { parseConfig } from '../../src/app/config.ts';
import { createJobTokens } from '../../src/app/job-token.ts';
import { createLog } from '../../src/app/log.ts';
import { startApp } from '../../src/app/start-app.ts';
import { jobSchema } from '../../src/core/job.ts';
import { isFinal } from '../../src/core/job-state.ts';
import { startHttpSide } from '../http/http-side.ts';
import { until } from '../support/until.ts';

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).toReversed()) await release();
});

function capture(level: string) {
  const lines: string[] = [];
  const log = createLog(level, { write: (line) => void lines.push(line) });
  return { log, text: () => lines.join('') };
}

describe('the log', () => {
  test('shows no credentials, by whomever they were logged', () => {
    const { log, text } = capture('info');
    const headers = {
      authorization: 'Basic secret-1',
      cookie: 'sid=secret-2',
      'set-cookie': ['sid=secret-3'],
    };
    log.info({ headers, req: { headers }, ...headers }, 'a request');
    log.info({ err: new Error('GET http://x/status?job-id=1&token=secret-4 failed') }, 'an error');
    log.info({ said: 'authorization: Bearer secret-5', url: '/status?token=secret-6&job-id=1' }, 'texts');
    expect(text()).not.toContain('secret');
    expect(text()).toContain('http://x/status?job-id=1&token=[redacted] failed');
    expect(
      text()
        .trim()
        .split('\n')
        .map((line) => typeof JSON.parse(line)),
    ).toEqual(Array(3).fill('object'));
  });

  test('of the HTTP side has no token of any request, taken or refused', async () => {
    const side = await startHttpSide();
    releases.push(() => side.stop());
    const { id } = await side.submit();
    side.play.created(id);
    side.play.pod(id);
    const token = side.tokens.issue(id);
    const post = (path: string) => request(side.url).post(path).query({ 'job-id': id, token });
    await post('/status').send({ status: 'x', 'pod-uid': 'a' }).expect(200);
    await post('/status').send({ status: 7 }).expect(400);
    await post('/status').type('json').send('{"status": "x"').expect(400);
    await post('/status')
      .send({ status: 'x'.repeat(200_000) })
      .expect(413);
    await post('/nowhere').send({}).expect(404);
    await request(side.url).get('/status').query({ token }).expect(405);
    await request(side.url).get('/jobs').query({ token }).expect(400);
    await request(side.url)
      .post('/status')
      .auth(token, { type: 'bearer' })
      .send({ 'job-id': 'other', status: 'x' })
      .expect(401);
    side.freshLook.show = () => {
      throw new Error(`no answer from http://example/status?job-id=${id}&token=${token}`);
    };
    await post('/status').send({ status: 'x', 'pod-uid': 'b' }).expect(500);
    await until(() => side.lines.length >= 9);
    expect(side.lines.join('')).toContain('no answer from');
    expect(side.lines.join('')).not.toContain(token);
  });

  test('of the whole service, at its most talkative, has no token of a job that ran', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'jobspawn-redaction-'));
    releases.push(() => rmSync(dir, { recursive: true, force: true }));
    const { log, text } = capture('trace');
    const path = join(dir, 'jobspawn.db');
    const app = await startApp(parseConfig({ PORT: '0', CLUSTER: 'local', DATABASE_PATH: path }), { log });
    releases.push(() => app.stop());
    const answer = await fetch(`${app.url}/api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x', args: ['simulate', '--duration', '10ms', '--error-rate', '0'] }),
    });
    const { id } = jobSchema.parse(await answer.json());
    await until(async () =>
      isFinal(jobSchema.parse(await (await fetch(`${app.url}/api/v1/jobs/${id}`)).json()).state),
    );
    const token = createJobTokens(reportKeyOf(path)).issue(id);
    const late = await fetch(`${app.url}/status?job-id=${id}&token=${token}`, {
      method: 'POST',
      body: new URLSearchParams({ status: 'SUCCESS' }),
    });
    expect(late.status).toBe(200);
    expect(text()).toContain('/status');
    expect(text()).not.toContain(token);
  });
});

function reportKeyOf(path: string): Buffer {
  const db = new Database(path, { readonly: true });
  try {
    const value = db
      .prepare<[], string>("SELECT value FROM settings WHERE name = 'report-key'")
      .pluck()
      .get();
    return Buffer.from(value ?? '', 'base64');
  } finally {
    db.close();
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLog } from '../../src/app/log.ts';
import { startTestApp } from '../support/running-app.ts';
import { startTokenIssuer } from './token-issuer.ts';

let dir: string;
let issuer: Awaited<ReturnType<typeof startTokenIssuer>>;
let app: Awaited<ReturnType<typeof startTestApp>> | undefined;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'jobspawn-let-in-'));
  issuer = await startTokenIssuer();
});

afterEach(async () => {
  await app?.stop();
  await issuer.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(environment: Record<string, string>): Promise<void> {
  app = await startTestApp({ AUTH: 'token', DATABASE_PATH: join(dir, 'jobspawn.db'), ...environment });
}

const statusWith = async (secret: string, path: string) => {
  const answer = await fetch(`${app?.url}${path}`, { headers: { authorization: `Bearer ${secret}` } });
  return answer.status;
};

test('the first admin comes from a file, for as long as it says so', async () => {
  const file = join(dir, 'token');
  const [one, other] = ['1'.repeat(32), '2'.repeat(32)];
  writeFileSync(file, `${one}\n`);
  await start({ BOOTSTRAP_TOKEN_FILE: file });
  expect(await statusWith(one, '/api/v1/audit')).toBe(200);
  await app?.stop();
  writeFileSync(file, other);
  await start({ BOOTSTRAP_TOKEN_FILE: file });
  expect(await statusWith(one, '/api/v1/audit')).toBe(401);
  expect(await statusWith(other, '/api/v1/audit')).toBe(200);
  await app?.stop();
  await start({});
  expect(await statusWith(other, '/api/v1/audit')).toBe(401);
});

test('where nobody has made that file the service starts, and lets nobody in', async () => {
  const file = join(dir, 'token');
  writeFileSync(file, '1'.repeat(32));
  await start({ BOOTSTRAP_TOKEN_FILE: file });
  await app?.stop();
  rmSync(file);
  await start({ BOOTSTRAP_TOKEN_FILE: file });
  expect(await statusWith('1'.repeat(32), '/api/v1/audit')).toBe(401);
});

test('who is on the list of the issuer may come in, with the role that stands there', async () => {
  await start({
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: 'jobspawn',
    OIDC_ALLOWED_EMAILS: 'ada@example.com=viewer',
  });
  const idToken = await issuer.sign();
  expect(await statusWith(idToken, '/api/v1/jobs')).toBe(200);
  expect(await statusWith(idToken, '/api/v1/audit')).toBe(403);
});

test('where a proxy leads others here and nobody has to log in, the log and every page warn', async () => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line: string) => lines.push(line) });
  app = await startTestApp(
    { DATABASE_PATH: join(dir, 'jobspawn.db'), PUBLIC_URL: 'https://jobs.example.com' },
    { log },
  );
  expect(lines).toEqual([expect.stringContaining('PUBLIC_URL leads here from elsewhere')]);
  expect(await (await fetch(`${app.url}/jobs`)).text()).toContain('No login.');
});

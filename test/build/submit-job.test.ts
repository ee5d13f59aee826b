import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestApp } from '../support/running-app.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

async function run(args: string[], environment: Record<string, string> = {}) {
  const program = fileURLToPath(new URL('../../build/submit-job.ts', import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, ...printed };
}

test('a service that works is told by the end of a job', async () => {
  expect(await run([app.url])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/SUCCEEDED\n$/),
    stderr: '',
  });
});

test('one that asks for a token is shown the one of the environment', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'jobspawn-test-')), 'token');
  const secret = '1'.repeat(32);
  writeFileSync(path, secret);
  const guarded = await startTestApp({ AUTH: 'token', BOOTSTRAP_TOKEN_FILE: path });
  try {
    expect((await run([guarded.url])).stderr).toContain('401');
    expect(await run([guarded.url], { JOBSPAWN_API_TOKEN: secret })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/SUCCEEDED\n$/),
    });
  } finally {
    await guarded.stop();
    rmSync(dirname(path), { recursive: true });
  }
});

test('one that refuses jobs is told by its answer', async () => {
  const { code, stderr } = await run([`${app.url}/nowhere`]);
  expect(code).toBe(1);
  expect(stderr).toContain('404');
});

test('without an address it says how it is called', async () => {
  expect(await run([])).toMatchObject({ code: 78, stderr: 'Usage: node build/submit-job.ts URL\n' });
});

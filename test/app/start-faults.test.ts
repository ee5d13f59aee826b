import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import { startTestApp } from '../support/running-app.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-start-'));
  dirs.push(dir);
  return dir;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
  return address.port;
}

function start(environment: Record<string, string>) {
  return spawn(process.execPath, ['src/app/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      LOG_LEVEL: 'silent',
      DATABASE_PATH: join(tempDir(), 'x.db'),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // One that hangs must not outlive the test, and may not hear a SIGTERM.
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
}

/** `npm start` with this environment, until it gives up. */
async function startToFail(environment: Record<string, string>): Promise<{ code: unknown; said: string }> {
  const child = start(environment);
  child.stdout.resume();
  const [said] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, said };
}

/** `npm start` with this environment, until it has greeted and was told to stop. */
async function startToGreet(environment: Record<string, string>): Promise<string> {
  const child = start(environment);
  child.stderr.resume();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    said += more;
    child.kill('SIGTERM');
  });
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
  return said;
}

describe('what a start prints', () => {
  test('is that it is ready, and where, once it has looked at the cluster', async () => {
    expect(await startToGreet({ CLUSTER: 'local' })).toMatch(
      /^Jobspawn is ready: http:\/\/127\.0\.0\.1:\d+\/jobs\nFor kubectl,[^\n]*\n\/\S+\/kubeconfig\n$/,
    );
  });

  test('is what it waits for, while no cluster answers', async () => {
    const kubeconfig = join(tempDir(), 'kubeconfig');
    const name = { name: 'a', context: { cluster: 'a', user: 'a' } };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'a',
        contexts: [name],
        clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'a', user: {} }],
      }),
    );
    expect(await startToGreet({ CLUSTER: 'kubeconfig', KUBECONFIG: kubeconfig })).toMatch(
      /^Jobspawn listens, and is not ready yet: http:\/\/127\.0\.0\.1:\d+\/jobs\nCould not [^\n]*ECONNREFUSED[^\n]*\n$/,
    );
  });
});

describe('a start that cannot be', () => {
  test('because of bad variables names each and exits with 78', async () => {
    const { code, said } = await startToFail({ PORT: 'x', CLUSTER: 'y' });
    expect(said).toBe(
      'PORT must be a whole number from 0 to 65535 (it is "x").\nCLUSTER must be one of auto, local, kubeconfig, in-cluster (it is "y").\n',
    );
    expect(code).toBe(78);
  });

  test('because everybody could come in from anywhere says how to say so', async () => {
    const { code, said } = await startToFail({ HOST: '0.0.0.0' });
    expect(said).toMatch(/^AUTH must be token [^\n]*AUTH=none and ALLOW_UNAUTHENTICATED=yes\.\n$/);
    expect(code).toBe(78);
  });

  test.each(['short', 'with a space in it, so that it is no one token', ''])(
    'because the first token is "%s" does not repeat it',
    async (secret) => {
      const file = join(tempDir(), 'token');
      writeFileSync(file, secret);
      const { code, said } = await startToFail({ AUTH: 'token', BOOTSTRAP_TOKEN_FILE: file });
      expect(said).toMatch(/^BOOTSTRAP_TOKEN_FILE [^\n]* must hold one token of at least 32 [^\n]*\n$/);
      if (secret !== '') expect(said).not.toContain(secret);
      expect(code).toBe(78);
    },
  );

  test('because the port is taken says so in one sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = portOf(taken);
    const { code, said } = await startToFail({ PORT: String(port) });
    taken.close();
    expect(said).toBe(`Cannot listen on 127.0.0.1:${port}: another program uses it.\n`);
    expect(code).toBe(1);
  });

  test('because the database cannot be made says so in one sentence', async () => {
    const file = join(tempDir(), 'a-file');
    writeFileSync(file, '');
    const { code, said } = await startToFail({ DATABASE_PATH: join(file, 'jobspawn.db') });
    expect(said).toMatch(/^[^\n]*a-file[^\n]*\n$/);
    expect(code).toBe(78);
  });

  // Where the kernel answers as /proc does, a recursive mkdir of Node's goes round for ever; other systems have no such place.
  test('because the database would be where nothing can be made ends too', async () => {
    const { code, said } = await startToFail({ DATABASE_PATH: '/proc/jobspawn/x/jobspawn.db' });
    expect(said).toBe('The directory /proc/jobspawn/x of the database cannot be made.\n');
    expect(code).toBe(78);
  });

  test.each([
    ['a directory', (path: string) => mkdirSync(path), 'is no file'],
    ['another file', (path: string) => writeFileSync(path, 'a letter'), 'is not a database'],
  ])('because the database is %s says so in one sentence', async (_what, make, sentence) => {
    const path = join(tempDir(), 'taken');
    make(path);
    const { code, said } = await startToFail({ DATABASE_PATH: path });
    expect(said).toMatch(new RegExp(`^[^\\n]*${path} ${sentence}[^\\n]*\\n$`));
    expect(code).toBe(78);
  });

  test('because the database is newer than the code says so in one sentence', async () => {
    const path = join(tempDir(), 'jobspawn.db');
    const app = await startTestApp({ DATABASE_PATH: path });
    await app.stop();
    const db = new Database(path);
    db.pragma('user_version = 9999');
    db.close();
    const { code, said } = await startToFail({ DATABASE_PATH: path });
    expect(said).toMatch(/^[^\n]*newer[^\n]*\n$/);
    expect(code).toBe(1);
  });

  test('because another instance has the database says so in one sentence', async () => {
    const path = join(tempDir(), 'jobspawn.db');
    const app = await startTestApp({ DATABASE_PATH: path });
    const { code, said } = await startToFail({ DATABASE_PATH: path });
    await app.stop();
    expect(said).toMatch(/^[^\n]+\.\n$/);
    expect(code).toBe(1);
  });

  test("because the local cluster's directory is not its own says so in one sentence", async () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'local-cluster'));
    writeFileSync(join(dir, 'local-cluster', 'diary.txt'), '');
    const { code, said } = await startToFail({ DATABASE_PATH: join(dir, 'jobspawn.db') });
    expect(said).toMatch(/^The local cluster cannot start: [^\n]*local-cluster[^\n]*\.\n$/);
    expect(code).toBe(1);
  });

  test('because the kubeconfig is not there says so in one sentence', async () => {
    const { code, said } = await startToFail({ CLUSTER: 'kubeconfig', KUBECONFIG: '/nowhere/kubeconfig' });
    expect(said).toMatch(/^[^\n]*\/nowhere\/kubeconfig[^\n]*\n$/);
    expect(code).toBe(78);
  });
});

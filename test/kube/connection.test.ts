import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { sendJson, sendStatus, startFakeApi } from './fake-api.ts';
import { selfSigned } from './self-signed.ts';

let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection | undefined;
const { signal } = new AbortController();

beforeEach(async () => {
  api = await startFakeApi();
});

afterEach(async () => {
  await connection?.close();
  await api.close();
});

async function connect(): Promise<Connection> {
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  return connection;
}

/** An exec plugin whose token is old at once; it counts its runs, and fails as it is told. */
function writePlugin(failure: string) {
  const dir = dirname(api.kubeconfigPath);
  const [path, runs, broken] = [join(dir, 'plugin'), join(dir, 'runs'), join(dir, 'broken')];
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 't', expirationTimestamp: '2020-01-01T00:00:00Z' },
  };
  const script = ['#!/bin/sh', `echo run >> ${runs}`, `if [ -e ${broken} ]; then ${failure}; fi`];
  writeFileSync(path, [...script, `echo '${JSON.stringify(credential)}'`].join('\n'));
  chmodSync(path, 0o755);
  api.writeKubeconfig({ plugin: path });
  return {
    runs: () => readFileSync(runs, 'utf8').trim().split('\n').length,
    fail: () => writeFileSync(broken, ''),
  };
}

describe('connectCluster', () => {
  test('names a kubeconfig that is not there', async () => {
    const path = `${api.kubeconfigPath}.missing`;
    await expect(connectCluster({ kind: 'kubeconfig', path })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(`The kubeconfig ${path} cannot be read`),
    });
  });

  test.each(['', 'root:x:0:0:root:/root:/bin/sh\n', 'a: [1\n', '{}'])(
    'names a file that is no kubeconfig, such as one of %j',
    async (content) => {
      const path = `${api.kubeconfigPath}.other`;
      writeFileSync(path, content);
      await expect(connectCluster({ kind: 'kubeconfig', path })).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining(`The kubeconfig ${path} is none: `),
      });
    },
  );

  test('names a context that is not in the kubeconfig', async () => {
    const target = { kind: 'kubeconfig', path: api.kubeconfigPath, context: 'elsewhere' } as const;
    await expect(connectCluster(target)).rejects.toMatchObject({
      code: 'invalid',
      message: `The kubeconfig ${api.kubeconfigPath} has no context named "elsewhere".`,
    });
  });

  test('names a kubeconfig that leaves the context to be chosen', async () => {
    const { 'current-context': _, ...rest } = z
      .looseObject({})
      .parse(JSON.parse(readFileSync(api.kubeconfigPath, 'utf8')));
    writeFileSync(api.kubeconfigPath, JSON.stringify(rest));
    await expect(connect()).rejects.toMatchObject({
      code: 'invalid',
      message: `The kubeconfig ${api.kubeconfigPath} has no current context.`,
    });
  });

  test('says so when there is no pod around it', async () => {
    await expect(connectCluster({ kind: 'in-cluster' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test("knows the context's namespace", async () => {
    expect((await connect()).namespace).toBe('somewhere');
  });
});

describe('a call', () => {
  test('uses the connections of the calls before it', async () => {
    api.answer((_request, response) => sendJson(response, 200, {}));
    const { call } = await connect();
    for (let n = 0; n < 10; n += 1) await call({ method: 'GET', path: '/version' }, signal);
    expect(api.requests).toHaveLength(10);
    expect(api.connections()).toBeLessThanOrEqual(2);
  });

  test('is repeated once, with the credentials read anew, after a 401', async () => {
    api.writeKubeconfig({ token: 'old' });
    const { call } = await connect();
    api.answer(({ headers }, response) => {
      if (headers.authorization === 'Bearer new') sendJson(response, 200, { welcome: true });
      else sendStatus(response, 401, 'Unauthorized');
    });
    api.writeKubeconfig({ token: 'new' });
    const answers = await Promise.all([1, 2, 3].map(() => call({ method: 'GET', path: '/version' }, signal)));
    expect(answers).toEqual(answers.map(() => ({ ok: true, value: { welcome: true } })));
    api.writeKubeconfig({ token: 'wrong' });
    api.answer((_request, response) => sendStatus(response, 401, 'Unauthorized'));
    const before = api.requests.length;
    expect(await call({ method: 'GET', path: '/version' }, signal)).toMatchObject({
      failure: { reason: 'Unauthorized' },
    });
    expect(api.requests).toHaveLength(before + 2);
  });

  test.each([
    ['3', 3000],
    ['3000000', 300_000],
    ['Infinity', 300_000],
    ['0', null],
    ['-1', null],
    ['Wed, 21 Oct 2026 07:28:00 GMT', null],
  ])('tells the reason and the time to wait (%s) of a Status', async (retryAfter, retryAfterMs) => {
    api.answer((_request, response) =>
      sendStatus(response, 429, 'TooManyRequests', { headers: { 'retry-after': retryAfter } }),
    );
    const { call } = await connect();
    expect(await call({ method: 'GET', path: '/version' }, signal)).toMatchObject({
      ok: false,
      failure: { code: 429, reason: 'TooManyRequests', retryAfterMs, sent: true },
    });
  });

  test('gives no reason to an answer that is not of Kubernetes', async () => {
    api.answer((_request, response) => void response.writeHead(502).end('<html>Bad Gateway</html>'));
    const { call } = await connect();
    expect(await call({ method: 'GET', path: '/version' }, signal)).toMatchObject({
      failure: { code: 502, reason: null },
    });
  });

  test('knows a request that was cut from one that never left', async () => {
    api.answer((_request, response) => void response.socket?.destroy());
    const cut = await (await connect()).call({ method: 'POST', path: '/x', body: {} }, signal);
    expect(cut).toMatchObject({ ok: false, failure: { code: 0, sent: true } });
    api.writeKubeconfig({ server: 'http://127.0.0.1:9' });
    const away = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
    expect(await away.call({ method: 'POST', path: '/x', body: {} }, signal)).toMatchObject({
      ok: false,
      failure: { code: 0, sent: false, message: expect.stringContaining('ECONNREFUSED') },
    });
    await away.close();
  });

  test('never leaves for a server that is not trusted', async () => {
    const server = createServer(selfSigned);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = z.object({ port: z.int() }).parse(server.address());
    api.writeKubeconfig({ server: `https://127.0.0.1:${port}`, isTrusted: false });
    const { call } = await connect();
    const answer = await call({ method: 'POST', path: '/x', body: {} }, signal);
    await new Promise((resolve) => server.close(resolve));
    expect(answer).toMatchObject({
      ok: false,
      failure: { code: 0, sent: false, message: expect.stringContaining('self-signed') },
    });
  });

  test('never leaves without credentials', async () => {
    const plugin = writePlugin('echo "the plugin is out of order" >&2; exit 1');
    let now = 0;
    connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath }, () => now);
    const { call } = connection;
    plugin.fail();
    now += 31_000;
    expect(await call({ method: 'POST', path: '/x', body: {} }, signal)).toMatchObject({
      ok: false,
      failure: {
        code: 0,
        sent: false,
        message: 'our credentials cannot be used: the plugin is out of order',
      },
    });
    expect(api.requests).toHaveLength(0);
  });

  test('shares a reading of the credentials with the calls that come with it', async () => {
    const plugin = writePlugin('exit 1');
    api.answer((_request, response) => sendJson(response, 200, {}));
    let now = 0;
    connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath }, () => now);
    const { call } = connection;
    const before = plugin.runs();
    now += 31_000;
    await Promise.all([1, 2, 3].map(() => call({ method: 'GET', path: '/version' }, signal)));
    expect(plugin.runs()).toBe(before + 1);
  });

  test('is answered with a 401 and has no new credentials: nothing was done', async () => {
    api.answer((_request, response) => {
      rmSync(api.kubeconfigPath, { force: true });
      sendStatus(response, 401, 'Unauthorized');
    });
    const { call } = await connect();
    expect(await call({ method: 'POST', path: '/x', body: {} }, signal)).toMatchObject({
      failure: { code: 0, sent: false },
    });
  });

  test('ends without an answer when its time is over', async () => {
    api.answer(() => undefined);
    const { call } = await connect();
    expect(await call({ method: 'GET', path: '/version', timeoutMs: 50 }, signal)).toMatchObject({
      ok: false,
      failure: { code: 0, sent: true },
    });
  });

  test('rejects with the reason of a signal that is aborted', async () => {
    const stop = new AbortController();
    api.answer(() => stop.abort(new Error('enough')));
    const { call } = await connect();
    await expect(call({ method: 'GET', path: '/version' }, stop.signal)).rejects.toThrow('enough');
  });
});

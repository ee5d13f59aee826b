import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { z } from 'zod';
import { neededRules } from '../../src/core/cluster-rights.ts';
import { namespace, startRightsApi } from '../support/rights-api.ts';
import type { RightsApi } from '../support/rights-api.ts';
import { startTestApp } from '../support/running-app.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'jobspawn-doctor-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** `npm run jobspawn -- doctor ...` */
async function doctor(environment: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, ['src/app/cli.ts', 'doctor', ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, said, complained };
}

describe('beside a service with its local cluster', () => {
  let app: Awaited<ReturnType<typeof startTestApp>>;
  let environment: Record<string, string>;
  beforeAll(async () => {
    environment = { CLUSTER: 'local', DATABASE_PATH: join(dir, 'local', 'jobspawn.db') };
    app = await startTestApp(environment);
    environment = { ...environment, PORT: new URL(app.url).port };
  });
  afterAll(() => app.stop());

  test('it finds nothing to complain of, and nothing to apply', async () => {
    const { code, said } = await doctor(environment);
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/\n\n\d+ ok\n$/) });
    expect(await doctor(environment, '--yaml')).toMatchObject({ code: 0, said: '' });
  });

  test('it has the service run a job, whose report comes in', async () => {
    const { code, said } = await doctor(environment, '--try');
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('Its report came in after') });
    expect(said).toContain('The newest came in at');
  });

  test('the page says the same', async () => {
    const page = await (await fetch(`${app.url}/cluster`)).text();
    expect(page).toContain('Everything that is needed is there.');
    expect(page).not.toContain('data-verdict="wrong"');
  });

  test('it tries nothing for another namespace than that of the service', async () => {
    const { code, complained } = await doctor({ ...environment, JOB_NAMESPACE: 'elsewhere' }, '--try');
    expect({ code, complained }).toEqual({
      code: 1,
      complained: expect.stringMatching(/works in the namespace "default", and .* "elsewhere"\.\n$/),
    });
  });
});

describe('against a real cluster', () => {
  let api: Awaited<ReturnType<typeof startRightsApi>>;
  afterEach(() => api.close());

  async function start(changes: Partial<RightsApi> = {}) {
    api = await startRightsApi(changes);
    return {
      CLUSTER: 'kubeconfig',
      KUBECONFIG: api.kubeconfigPath,
      DATABASE_PATH: join(dir, 'none', 'jobspawn.db'),
      CALLBACK_URL: 'http://jobspawn.example.com:8080',
    };
  }

  const reviews = () => api.requests.filter(({ path }) => path.endsWith('accessreviews')).length;

  const deniesEvents: Partial<RightsApi> = {
    isAllowed: ({ resource }, isNeeded) => isNeeded && resource !== 'events',
  };
  const objectSchema = z.looseObject({ kind: z.string(), rules: z.array(z.unknown()).optional() });

  test('with all rights, and no other, it works without the service and with a warning', async () => {
    const { code, said } = await doctor(await start());
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/\n\n1 warning, \d+ ok\n$/) });
    expect(said).toContain("The service's database is not here");
  });

  test('a missing rule is told, and printed as YAML that gives it', async () => {
    const environment = await start(deniesEvents);
    const { code, said } = await doctor(environment);
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringContaining('It may not list events: a job whose pod is refused'),
    });
    const yaml = await doctor(environment, '--yaml');
    expect(yaml).toMatchObject({ code: 1, complained: expect.stringMatching(/^1 wrong, /) });
    expect(said.endsWith(`\n${yaml.said}`)).toBe(true);
    const [role, binding] = z.array(objectSchema).parse(loadAll(yaml.said));
    const [, , , events] = neededRules(namespace);
    expect(role?.rules).toContainEqual({
      apiGroups: events?.apiGroups,
      resources: events?.resources,
      verbs: events?.verbs,
    });
    expect(binding).toMatchObject({
      kind: 'RoleBinding',
      subjects: [{ kind: 'ServiceAccount', name: 'jobspawn', namespace: 'jobspawn' }],
    });
  });

  test('what it prints moves no cursor, whatever the cluster says', async () => {
    const { said } = await doctor(await start({ user: 'me\u001b[2J', ...deniesEvents }));
    expect(said).toContain('as me');
    expect(said).not.toContain('\u001b');
  });

  test('a cluster that does not answer is a finding', async () => {
    const environment = await start();
    await api.shut();
    const { code, said } = await doctor(environment);
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining('It does not answer') });
    await api.open();
  });

  test('without a service there is nobody to run a job', async () => {
    expect(await doctor(await start(), '--try')).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/^There is no database .*start the service first\.\n$/),
    });
  });

  test('the page of a service there shows the same, and asks no more for many viewers', async () => {
    const environment = await start(deniesEvents);
    const app = await startTestApp({ ...environment, DATABASE_PATH: join(dir, 'real', 'jobspawn.db') });
    const pages = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(`${app.url}/cluster`)).text()),
    );
    const asked = reviews();
    expect(new Set(pages.map((page) => page.includes('It may not list events')))).toEqual(new Set([true]));
    expect(asked).toBeLessThan(100);
    await (await fetch(`${app.url}/cluster`)).text();
    expect(reviews()).toBe(asked);
    await app.stop();
  });
});

test.each([
  [{ CLUSTER: 'local' }, ['--tri'], 78, "unknown option '--tri'"],
  [{ CLUSTER: 'moon' }, [], 78, 'CLUSTER must be one of'],
  [{ CLUSTER: 'local' }, ['--try', '--yaml'], 78, 'cannot be used with'],
  [{ CLUSTER: 'local' }, [], 1, 'No local cluster has run in'],
  [{ CLUSTER: 'kubeconfig', KUBECONFIG: '/nowhere' }, [], 78, 'The kubeconfig /nowhere cannot be read'],
])('%j with %j ends with %i and a sentence', async (environment, args, code, words) => {
  const database = { DATABASE_PATH: join(dir, 'nothing', 'jobspawn.db') };
  expect(await doctor({ ...database, ...environment }, ...args)).toEqual({
    code,
    said: '',
    complained: expect.stringContaining(words),
  });
});

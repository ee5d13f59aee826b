import { describe, expect, test } from '@jest/globals';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { ConfigError, parseConfig, parseDatabasePath } from '../../src/app/config.ts';

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  test('without any variable it is the local cluster on loopback', () => {
    expect(parseConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      databasePath: resolve('data/jobspawn.db'),
      cluster: { kind: 'local', dataDir: resolve('data/local-cluster') },
      namespace: 'default',
      workerImage: 'jobspawn-worker',
      maxActive: 2 * availableParallelism(),
      startDeadlineSeconds: 600,
    });
  });

  test('the local cluster keeps its data beside the database', () => {
    expect(parseConfig({ DATABASE_PATH: '/var/lib/x/y.db' }).cluster).toEqual({
      kind: 'local',
      dataDir: '/var/lib/x/local-cluster',
    });
  });

  test('in a cluster it listens on every address and uses the namespace for jobs', () => {
    const config = parseConfig({ CLUSTER: 'in-cluster', CALLBACK_URL: 'http://jobspawn.jobspawn.svc/' });
    expect(config).toMatchObject({
      host: '0.0.0.0',
      namespace: 'jobspawn-jobs',
      callbackUrl: 'http://jobspawn.jobspawn.svc',
      maxActive: 100,
    });
  });

  test('every fault is listed at once, each with its value', () => {
    expect(
      faultsOf({
        PORT: '0x50',
        CLUSTER: 'docker',
        MAX_ACTIVE: '0',
        START_DEADLINE_SECONDS: '10m',
        JOB_NAMESPACE: 'Not_One',
        LOG_LEVEL: 'loud',
      }),
    ).toEqual([
      'PORT must be a whole number (it is "0x50").',
      'CLUSTER must be one of auto, local, kubeconfig, in-cluster (it is "docker").',
      'JOB_NAMESPACE must be a Kubernetes namespace name (it is "Not_One").',
      'MAX_ACTIVE must be at least 1 (it is "0").',
      'START_DEADLINE_SECONDS must be a whole number (it is "10m").',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent (it is "loud").',
    ]);
  });

  test('a kubeconfig is used only when it is asked for, and then it must be named', () => {
    expect(parseConfig({ KUBECONFIG: '/home/me/.kube/config' }).cluster.kind).toBe('local');
    expect(faultsOf({ CLUSTER: 'kubeconfig' })).toEqual([
      'KUBECONFIG must name the file to use when CLUSTER=kubeconfig.',
    ]);
  });

  test('in a cluster the callback address must be said', () => {
    expect(faultsOf({ CLUSTER: 'in-cluster' })).toEqual([
      'CALLBACK_URL must say how pods reach this service in the cluster, e.g. http://jobspawn.jobspawn.svc.',
    ]);
  });

  test('a list with several faults is one fault', () => {
    expect(faultsOf({ ALLOWED_HOSTS: 'a b,/' })).toHaveLength(1);
  });

  test('an empty variable counts as absent', () => {
    expect(parseConfig({ PORT: '', CALLBACK_URL: '' })).toMatchObject({ port: 8080, callbackUrl: undefined });
  });

  test('what is kept has limits, by age and by number or size', () => {
    expect(parseConfig({}).keep).toEqual({
      jobsDays: 90,
      jobs: 1_000_000,
      eventsDays: 30,
      events: 10_000_000,
      logsDays: 30,
      logBytes: 1024 ** 3,
      keysDays: 365,
    });
    expect(parseConfig({ KEEP_LOGS_MB: '2', KEEP_KEYS_DAYS: '1' }).keep).toMatchObject({
      logBytes: 2 * 1024 ** 2,
      keysDays: 1,
    });
    expect(faultsOf({ KEEP_JOBS: '0', KEEP_JOBS_DAYS: '99999' })).toEqual([
      'KEEP_JOBS_DAYS must be at most 36500 (it is "99999").',
      'KEEP_JOBS must be at least 1 (it is "0").',
    ]);
  });

  test('a program that needs the database alone is not told of other faults', () => {
    expect(parseDatabasePath({ DATABASE_PATH: '/var/lib/x/y.db', PORT: 'x' })).toBe('/var/lib/x/y.db');
    expect(parseDatabasePath({ DATABASE_PATH: '' })).toBe(resolve('data/jobspawn.db'));
  });

  test('workers have a port of their own where one is named, and it is another one', () => {
    expect(parseConfig({}).web.callbackPort).toBeUndefined();
    expect(parseConfig({ CALLBACK_PORT: '8081' }).web.callbackPort).toBe(8081);
    expect(parseConfig({ PORT: '0', CALLBACK_PORT: '0' }).web.callbackPort).toBe(0);
    expect(faultsOf({ CALLBACK_PORT: '8080' })).toEqual([
      'CALLBACK_PORT must differ from PORT (both are 8080).',
    ]);
  });

  test('proxies are trusted by address or range, and none is unless named', () => {
    expect(parseConfig({}).web.trustedProxies).toEqual([]);
    expect(parseConfig({ TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,127.0.0.1' }).web.trustedProxies).toEqual([
      '10.0.0.0/8',
      'fd00::/8',
      '127.0.0.1',
    ]);
    for (const wrong of ['true', '*', '10.0.0.0/33', '10.0.0.0/0', 'proxy.example', '10.0.0.1/8/8', ','])
      expect(faultsOf({ TRUSTED_PROXIES: wrong })).toHaveLength(1);
  });

  test('the public address is one of our hosts', () => {
    expect(
      parseConfig({ PUBLIC_URL: 'https://jobs.example.com', ALLOWED_HOSTS: 'a.example:8443, B.example' })
        .allowedHosts,
    ).toEqual(['a.example:8443', 'b.example', 'jobs.example.com']);
  });
});

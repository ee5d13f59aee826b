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

function limitOf(environment: Record<string, string>): number | undefined {
  return parseConfig(environment).web.limits.requestsPerSecond;
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

  test('requests are bounded for those who come from elsewhere', () => {
    expect(limitOf({})).toBeUndefined();
    expect(limitOf({ HOST: '0.0.0.0', AUTH: 'none', ALLOW_UNAUTHENTICATED: 'yes' })).toBe(1000);
    expect(limitOf({ PUBLIC_URL: 'https://jobs.example.com' })).toBe(1000);
    expect(limitOf({ AUTH: 'token' })).toBe(1000);
    expect(limitOf({ REQUESTS_PER_SECOND: '5' })).toBe(5);
  });

  test('the local cluster keeps its data beside the database', () => {
    expect(parseConfig({ DATABASE_PATH: '/var/lib/x/y.db' }).cluster).toEqual({
      kind: 'local',
      dataDir: '/var/lib/x/local-cluster',
    });
  });

  test('in a cluster it listens on every address and uses the namespace for jobs', () => {
    const config = parseConfig({
      CLUSTER: 'in-cluster',
      CALLBACK_URL: 'http://jobspawn.jobspawn.svc/',
      AUTH: 'token',
    });
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
      'PORT must be a whole number from 0 to 65535 (it is "0x50").',
      'CLUSTER must be one of auto, local, kubeconfig, in-cluster (it is "docker").',
      'JOB_NAMESPACE must be a Kubernetes namespace name (it is "Not_One").',
      'MAX_ACTIVE must be a whole number from 1 to 999999999 (it is "0").',
      'START_DEADLINE_SECONDS must be a whole number from 0 to 999999999 (it is "10m").',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent (it is "loud").',
    ]);
  });

  test.each(['-1', '65536', '1.5', '1e3', ' 1'])(
    'a port that is "%s" is told which ports there are',
    (PORT) => {
      expect(faultsOf({ PORT })).toEqual([
        `PORT must be a whole number from 0 to 65535 (it is ${JSON.stringify(PORT)}).`,
      ]);
    },
  );

  describe.each(['CALLBACK_URL', 'PUBLIC_URL'])('%s', (name) => {
    test.each([
      ['http://127.0.0.1:8080/?q=1', 'neither a query'],
      ['http://127.0.0.1:8080?', 'neither a query'],
      ['http://127.0.0.1:8080/#top', 'nor a fragment'],
      ['http://ada@127.0.0.1:8080', 'no user'],
      ['ftp://127.0.0.1', 'http or https URL'],
      ['127.0.0.1:8080', 'http or https URL'],
    ])('is not %s, to which no path could be added', (url, why) => {
      expect(faultsOf({ [name]: url })).toEqual([expect.stringContaining(why)]);
    });

    test('does not tell the password that it was given', () => {
      const [fault] = faultsOf({ [name]: 'http://ada:secret@127.0.0.1:8080' });
      expect(fault).toBe(`${name} must hold no user and no password (it is "http://***@127.0.0.1:8080").`);
    });
  });

  test('workers may report to a path, as a proxy before us may take it away; the pages have theirs at the root', () => {
    expect(parseConfig({ CALLBACK_URL: 'http://127.0.0.1:9000/jobspawn/' }).callbackUrl).toBe(
      'http://127.0.0.1:9000/jobspawn',
    );
    expect(faultsOf({ PUBLIC_URL: 'http://127.0.0.1:9000/jobspawn' })).toEqual([
      'PUBLIC_URL must have no path, as the pages are at the root of their host (it is "http://127.0.0.1:9000/jobspawn").',
    ]);
  });

  test('a kubeconfig is used only when it is asked for, and then it must be named', () => {
    expect(parseConfig({ KUBECONFIG: '/home/me/.kube/config' }).cluster.kind).toBe('local');
    expect(faultsOf({ CLUSTER: 'kubeconfig' })).toEqual([
      'KUBECONFIG must name the file to use when CLUSTER=kubeconfig.',
    ]);
  });

  test('in a cluster the callback address must be said', () => {
    expect(faultsOf({ CLUSTER: 'in-cluster', AUTH: 'token' })).toEqual([
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
      auditDays: 365,
    });
    expect(parseConfig({ KEEP_LOGS_MB: '2', KEEP_KEYS_DAYS: '1' }).keep).toMatchObject({
      logBytes: 2 * 1024 ** 2,
      keysDays: 1,
    });
    expect(faultsOf({ KEEP_JOBS: '0', KEEP_JOBS_DAYS: '99999' })).toEqual([
      'KEEP_JOBS_DAYS must be a whole number from 1 to 36500 (it is "99999").',
      'KEEP_JOBS must be a whole number from 1 to 999999999 (it is "0").',
    ]);
  });

  test('what jobs may run and take is bounded where that is said, and must leave room for a job of nothing but a name', () => {
    const worker = `ghcr.io/acme/worker:1@sha256:${'a'.repeat(64)}`;
    expect(
      parseConfig({
        WORKER_IMAGE: worker,
        ALLOWED_IMAGES: 'ghcr.io/acme/*, busybox:1',
        REQUIRE_IMAGE_DIGEST: 'yes',
        MAX_CPU: '2',
        MAX_MEMORY: '4Gi',
        MAX_PARALLELISM: '10',
        MAX_DEADLINE_SECONDS: '3600',
        MAX_TTL_SECONDS: '7200',
      }).specPolicy,
    ).toEqual({
      images: ['ghcr.io/acme/*', 'busybox:1'],
      requireDigest: true,
      cpu: '2',
      memory: '4Gi',
      parallelism: 10,
      activeDeadlineSeconds: 3600,
      ttlSecondsAfterFinished: 7200,
    });
    expect(faultsOf({ ALLOWED_IMAGES: 'a*b', REQUIRE_IMAGE_DIGEST: 'true', MAX_CPU: 'two' })).toHaveLength(3);
    expect(
      faultsOf({
        ALLOWED_IMAGES: 'ghcr.io/acme/*',
        MAX_CPU: '50m',
        MAX_MEMORY: '64Mi',
        MAX_DEADLINE_SECONDS: '899',
        MAX_TTL_SECONDS: '3599',
      }),
    ).toEqual([
      'WORKER_IMAGE must be an allowed image: ghcr.io/acme/* (it is "jobspawn-worker").',
      'MAX_CPU must leave room for what a job gets unasked, 100m.',
      'MAX_MEMORY must leave room for what a job gets unasked, 128Mi.',
      'MAX_DEADLINE_SECONDS must leave room for what a job gets unasked, 900.',
      'MAX_TTL_SECONDS must leave room for what a job gets unasked, 3600.',
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
    const named = { TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,127.0.0.1', AUTH: 'token' };
    expect(parseConfig(named).web.trustedProxies).toEqual(['10.0.0.0/8', 'fd00::/8', '127.0.0.1']);
    for (const wrong of ['true', '*', '10.0.0.0/33', '10.0.0.0/0', 'proxy.example', '10.0.0.1/8/8', ','])
      expect(faultsOf({ TRUSTED_PROXIES: wrong })).toHaveLength(1);
  });

  test('the public address is one of our hosts', () => {
    const ours = {
      PUBLIC_URL: 'https://jobs.example.com',
      ALLOWED_HOSTS: 'a.example:8443, B.example',
      AUTH: 'token',
    };
    expect(parseConfig(ours).allowedHosts).toEqual(['a.example:8443', 'b.example', 'jobs.example.com']);
  });

  describe('who is let in', () => {
    const open = /^AUTH must be token when HOST is not a loopback address \(it is "[^"]+"\)/;

    test.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1'])('is everybody on %s, unless said', (HOST) => {
      expect(parseConfig({ HOST }).auth).toEqual({ kind: 'none', exposure: undefined });
    });

    test.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com'])(
      'must be said on %s, in words where it is everybody',
      (HOST) => {
        const refused = [expect.stringMatching(open)];
        expect(faultsOf({ HOST })).toEqual(refused);
        expect(faultsOf({ HOST, AUTH: 'none' })).toEqual(refused);
        expect(faultsOf({ HOST, ALLOW_UNAUTHENTICATED: 'yes' })).toEqual(expect.arrayContaining(refused));
        expect(parseConfig({ HOST, AUTH: 'token' }).auth.kind).toBe('token');
        const said = parseConfig({ HOST, AUTH: 'none', ALLOW_UNAUTHENTICATED: 'yes' });
        expect(said.auth).toMatchObject({ kind: 'none', exposure: { by: 'address' } });
      },
    );

    test.each([
      ['PUBLIC_URL', 'https://jobs.example.com', 'PUBLIC_URL leads here from elsewhere'],
      ['ALLOWED_HOSTS', 'localhost, jobs.example.com:8443', 'names more than this machine ("jobs.example'],
      ['TRUSTED_PROXIES', '127.0.0.1', 'TRUSTED_PROXIES says that there is a proxy'],
    ])(
      'is known to be others too where a proxy leads them to loopback, as %s=%s shows',
      (name, value, why) => {
        expect(parseConfig({ [name]: value }).auth).toEqual({
          kind: 'none',
          exposure: { by: 'proxy', because: expect.stringContaining(why) },
        });
      },
    );

    test.each([
      ['PUBLIC_URL', 'http://localhost:9000'],
      ['PUBLIC_URL', 'http://[::1]:9000'],
      ['ALLOWED_HOSTS', '127.0.0.1:9000,[::1]:9000,localhost'],
    ])('is everybody where %s=%s is this machine all the same', (name, value) => {
      expect(parseConfig({ [name]: value }).auth).toEqual({ kind: 'none', exposure: undefined });
    });

    const oidc = {
      AUTH: 'token',
      OIDC_ISSUER: 'https://accounts.google.com',
      OIDC_AUDIENCE: 'https://jobs.example.com',
      OIDC_ALLOWED_EMAILS: 'Ada@Example.com=admin, ci@x.iam.gserviceaccount.com = operator',
    };

    test('may be who shows an ID token, each with a role', () => {
      expect(parseConfig(oidc).auth).toMatchObject({
        oidc: {
          issuer: 'https://accounts.google.com',
          people: new Map([
            ['ada@example.com', 'admin'],
            ['ci@x.iam.gserviceaccount.com', 'operator'],
          ]),
        },
      });
    });

    test.each([
      ['OIDC_ISSUER', 'http://accounts.google.com', 'must be an https URL'],
      ['OIDC_ALLOWED_EMAILS', 'ada@example.com', 'must be e-mail addresses with their roles'],
      ['OIDC_ALLOWED_EMAILS', 'ada@example.com=king', 'must be e-mail addresses with their roles'],
      ['OIDC_ALLOWED_EMAILS', '*@example.com=admin', 'must be e-mail addresses with their roles'],
      ['OIDC_ALLOWED_EMAILS', 'ada@example.com=viewer,Ada@Example.com=admin', 'must name nobody twice'],
      ['OIDC_AUDIENCE', '', 'must be set beside OIDC_ISSUER and OIDC_ALLOWED_EMAILS'],
      ['AUTH', 'none', 'OIDC_ISSUER needs AUTH=token'],
    ])('is not told by %s=%s', (name, value, fault) => {
      expect(faultsOf({ ...oidc, [name]: value })).toEqual([expect.stringContaining(fault)]);
    });

    test('is not said half', () => {
      expect(faultsOf({ BOOTSTRAP_TOKEN_FILE: '/x' })).toEqual(['BOOTSTRAP_TOKEN_FILE needs AUTH=token.']);
      for (const AUTH of ['', 'token']) {
        expect(faultsOf({ ALLOW_UNAUTHENTICATED: 'yes', AUTH })).toEqual([
          'ALLOW_UNAUTHENTICATED needs AUTH=none beside it.',
        ]);
      }
      expect(faultsOf({ ALLOW_UNAUTHENTICATED: 'true' })).toEqual([
        'ALLOW_UNAUTHENTICATED must be yes, or left out (it is "true").',
      ]);
    });
  });
});

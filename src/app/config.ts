import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { KeepLimits } from '../control/janitor.ts';
import { isNamespaceName, isObjectName } from '../core/names.ts';
import { authVariables, findAuthFaults, toAuth } from './auth-config.ts';
import type { Auth } from './auth-config.ts';
import { findExposure } from './exposure.ts';
import type { SpecPolicy } from '../core/spec-policy.ts';
import { findSelfRefusals, specPolicyVariables, toSpecPolicy } from './spec-policy-variables.ts';
import { httpUrl, port, positive, wholeNumber } from './config-values.ts';
import { findWebFaults, toWebConfig, webVariables } from './web-config.ts';
import type { WebConfig } from './web-config.ts';

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

const days = wholeNumber(1, 36_500);

/** The pages are at fixed paths: behind a proxy that puts them below another one, no link would lead anywhere. */
const publicUrl = httpUrl.refine((url) => new URL(url).pathname === '/', {
  error: 'must have no path, as the pages are at the root of their host',
});

const hostName = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?$/;

const hostList = z
  .string()
  .transform((text) => text.split(',').map((host) => host.trim().toLowerCase()))
  .refine((hosts) => hosts.every((host) => hostName.test(host)), {
    error: 'must be host names, with a port where it is not the usual one, separated by commas',
  });

/** Every variable that Jobspawn reads. An empty one counts as absent, as deployment tools often leave them. */
const environmentSchema = z.object({
  PORT: port.default(8080),
  HOST: z.string().optional(),
  DATABASE_PATH: z.string().default('data/jobspawn.db'),
  CLUSTER: z
    .enum(['auto', 'local', 'kubeconfig', 'in-cluster'], {
      error: 'must be one of auto, local, kubeconfig, in-cluster',
    })
    .default('auto'),
  KUBECONFIG: z.string().optional(),
  KUBE_CONTEXT: z.string().optional(),
  JOB_NAMESPACE: z
    .string()
    .refine(isNamespaceName, { error: 'must be a Kubernetes namespace name' })
    .optional(),
  JOB_SERVICE_ACCOUNT: z
    .string()
    .refine(isObjectName, { error: 'must be the name of a ServiceAccount' })
    .optional(),
  WORKER_IMAGE: z
    .string()
    .regex(/^\S+$/, { error: 'must be an image reference without spaces' })
    .default('jobspawn-worker'),
  CALLBACK_URL: httpUrl.optional(),
  ...specPolicyVariables,
  ...webVariables,
  MAX_ACTIVE: positive.optional(),
  MAX_QUEUED: positive.default(10_000),
  START_DEADLINE_SECONDS: wholeNumber(0).default(600),
  KEEP_JOBS_DAYS: days.default(90),
  KEEP_JOBS: positive.default(1_000_000),
  KEEP_EVENTS_DAYS: days.default(30),
  KEEP_EVENTS: positive.default(10_000_000),
  KEEP_LOGS_DAYS: days.default(30),
  KEEP_LOGS_MB: positive.default(1024),
  KEEP_KEYS_DAYS: days.default(365),
  KEEP_AUDIT_DAYS: days.default(365),
  PUBLIC_URL: publicUrl.optional(),
  ALLOWED_HOSTS: hostList.default([]),
  ...authVariables,
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
});

export type ClusterChoice =
  | { kind: 'local'; dataDir: string }
  | { kind: 'kubeconfig'; path: string; context: string | undefined }
  | { kind: 'in-cluster' };

const defaultNamespaces = { local: 'default', kubeconfig: undefined, 'in-cluster': 'jobspawn-jobs' };

export type Config = {
  host: string;
  port: number;
  databasePath: string;
  cluster: ClusterChoice;
  /** undefined: the kubeconfig context's own. */
  namespace: string | undefined;
  /** Of the pods; undefined: the namespace's default one. Its token is never mounted either way. */
  serviceAccountName: string | undefined;
  workerImage: string;
  /** How pods reach us; undefined: where we listen, on the port that takes their reports in the end. */
  callbackUrl: string | undefined;
  /** What jobs may run and take. */
  specPolicy: SpecPolicy;
  maxActive: number;
  /** Jobs that may wait for their turn; new ones beyond that are refused. */
  maxQueued: number;
  /** A job that has not started so long after it was created is given up; 0: never. */
  startDeadlineSeconds: number;
  keep: KeepLimits;
  web: WebConfig;
  /** Hosts (with port, where it is not the scheme's own) that are ours beside `host` and the loopback names. */
  allowedHosts: string[];
  auth: Auth;
  logLevel: string;
};

/** One sentence for each variable that is wrong. */
export class ConfigError extends Error {
  readonly faults: string[];

  constructor(faults: string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration that the environment asks for. Throws ConfigError with every fault at once. */
export function parseConfig(environment: Environment): Config {
  const variables = parseVariables(environmentSchema, environment);
  const kind = chooseCluster(variables.CLUSTER);
  const host = variables.HOST ?? (kind === 'in-cluster' ? '0.0.0.0' : '127.0.0.1');
  const exposure = findExposure({ ...variables, host });
  const specPolicy = toSpecPolicy(variables);
  const faults = [
    ...(kind === 'kubeconfig' && variables.KUBECONFIG === undefined
      ? ['KUBECONFIG must name the file to use when CLUSTER=kubeconfig.']
      : []),
    ...(kind === 'in-cluster' && variables.CALLBACK_URL === undefined
      ? [
          'CALLBACK_URL must say how pods reach this service in the cluster, e.g. http://jobspawn.jobspawn.svc.',
        ]
      : []),
    ...findAuthFaults(variables, exposure),
    ...findSelfRefusals(specPolicy, variables.WORKER_IMAGE),
    ...findWebFaults(variables),
  ];
  if (faults.length > 0) throw new ConfigError(faults);

  const databasePath = resolve(variables.DATABASE_PATH);
  const auth = toAuth(variables, exposure);
  return {
    host,
    port: variables.PORT,
    databasePath,
    cluster:
      kind === 'local'
        ? { kind, dataDir: join(dirname(databasePath), 'local-cluster') }
        : kind === 'kubeconfig'
          ? { kind, path: resolve(variables.KUBECONFIG ?? ''), context: variables.KUBE_CONTEXT }
          : { kind },
    namespace: variables.JOB_NAMESPACE ?? defaultNamespaces[kind],
    serviceAccountName: variables.JOB_SERVICE_ACCOUNT,
    workerImage: variables.WORKER_IMAGE,
    callbackUrl: variables.CALLBACK_URL?.replace(/\/+$/, ''),
    specPolicy,
    maxActive: variables.MAX_ACTIVE ?? (kind === 'local' ? 2 * availableParallelism() : 100),
    maxQueued: variables.MAX_QUEUED,
    startDeadlineSeconds: variables.START_DEADLINE_SECONDS,
    keep: toKeepLimits(variables),
    web: toWebConfig(variables, { isForOneself: auth.kind === 'none' && exposure === undefined }),
    allowedHosts: [
      ...variables.ALLOWED_HOSTS,
      ...(variables.PUBLIC_URL === undefined ? [] : [new URL(variables.PUBLIC_URL).host]),
    ],
    auth,
    logLevel: variables.LOG_LEVEL,
  };
}

/** Where the database is, for programs that need nothing else. Throws ConfigError. */
export function parseDatabasePath(environment: Environment): string {
  return resolve(parseVariables(environmentSchema.pick({ DATABASE_PATH: true }), environment).DATABASE_PATH);
}

function parseVariables<S extends z.ZodType>(schema: S, environment: Environment): z.output<S> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      // A password in a URL must not get into a log by this.
      const value = given[name]?.replace(/\/\/.*@/, '//***@');
      return `${name} ${message} (it is ${JSON.stringify(value)}).`;
    }),
  );
}

function toKeepLimits(variables: z.output<typeof environmentSchema>): KeepLimits {
  return {
    jobsDays: variables.KEEP_JOBS_DAYS,
    jobs: variables.KEEP_JOBS,
    eventsDays: variables.KEEP_EVENTS_DAYS,
    events: variables.KEEP_EVENTS,
    logsDays: variables.KEEP_LOGS_DAYS,
    logBytes: variables.KEEP_LOGS_MB * 1024 * 1024,
    keysDays: variables.KEEP_KEYS_DAYS,
    auditDays: variables.KEEP_AUDIT_DAYS,
  };
}

function chooseCluster(asked: 'auto' | ClusterChoice['kind']): ClusterChoice['kind'] {
  if (asked !== 'auto') return asked;
  return existsSync(serviceAccountToken) ? 'in-cluster' : 'local';
}

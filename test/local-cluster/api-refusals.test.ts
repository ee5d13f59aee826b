import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { ApiUnderTest } from './api-under-test.ts';
import { jobsPath, json, minimalJob, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const post = (path: string, body: object) => api.ask(path, { method: 'POST', headers: json, body });
const refusal = (status: number, message: string) => ({
  status,
  body: { message: expect.stringContaining(message) },
});

const podWith = (spec: object, container: object = {}) => {
  const pod = minimalPod('it');
  const [main] = pod.spec.containers;
  return { ...pod, spec: { ...pod.spec, ...spec, containers: [{ ...main, ...container }] } };
};

const requiring = (selector: object) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: selector } },
});
const matching = (requirement: object) =>
  requiring({ nodeSelectorTerms: [{ matchExpressions: [requirement] }] });
const terms = 'requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';

describe('a pod is refused', () => {
  test.each([
    [requiring({}), `${terms}: Required value: must have at least one node selector term`],
    [requiring({ nodeSelectorTerms: [] }), `${terms}: Required value: must have at least one`],
    [
      matching({ key: 'a', operator: 'Perhaps' }),
      `${terms}[0].matchExpressions[0].operator: Invalid value: "Perhaps": not a valid selector operator`,
    ],
    [
      matching({ key: 'a', operator: 'In' }),
      `${terms}[0].matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
    ],
    [
      matching({ key: 'a b', operator: 'Exists' }),
      'matchExpressions[0].key: Invalid value: "a b": name part',
    ],
    [
      requiring({ nodeSelectorTerms: [{ matchFields: [{ key: 'a', operator: 'In', values: ['b'] }] }] }),
      `${terms}[0].matchFields[0].key: Invalid value: "a": not a valid field selector key`,
    ],
    [
      {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }],
          },
        },
      },
      'weight: Invalid value: 101: must be in the range 1-100',
    ],
    [{ volumes: [{ name: 'v', configMap: {} }] }, 'spec.volumes[0].configMap.name: Required value'],
    [{ volumes: [{ name: 'v', secret: {} }] }, 'spec.volumes[0].secret.secretName: Required value'],
    [{ volumes: [{ name: 'v', hostPath: {} }] }, 'spec.volumes[0].hostPath.path: Required value'],
    [
      { volumes: [{ name: 'v', persistentVolumeClaim: {} }] },
      'spec.volumes[0].persistentVolumeClaim.claimName: Required value',
    ],
    [
      { volumes: [{ name: 'v', emptyDir: { sizeLimit: '-1' } }] },
      'spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity',
    ],
    [
      { securityContext: { runAsUser: -1 } },
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
    [
      { dnsPolicy: 'None' },
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
    ],
    [
      { dnsPolicy: 'None', dnsConfig: {} },
      'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver',
    ],
    [
      { ephemeralContainers: [{ name: 'e', image: 'i' }] },
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
    ],
    [
      { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 5 }] },
      'spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ],
    [
      { hostAliases: [{ ip: 'zz' }] },
      'spec.hostAliases[0].ip: Invalid value: "zz": must be a valid IP address',
    ],
    [
      { initContainers: [{ name: 'i', image: 'i', livenessProbe: { exec: { command: ['true'] } } }] },
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  ])('for the spec %j', async (spec, message) => {
    expect(await post(podsPath, podWith(spec))).toMatchObject(refusal(422, message));
  });

  const at = 'spec.containers[0]';
  test.each([
    [
      { envFrom: [{}] },
      `${at}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``,
    ],
    [{ envFrom: [{ configMapRef: {} }] }, `${at}.envFrom[0].configMapRef.name: Required value`],
    [{ livenessProbe: {} }, `${at}.livenessProbe: Required value: must specify a handler type`],
    [{ lifecycle: { preStop: {} } }, `${at}.lifecycle.preStop: Required value: must specify a handler type`],
    [
      { readinessProbe: { exec: { command: ['true'] }, tcpSocket: { port: 1 } } },
      `${at}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
    ],
    [
      { ports: [{ name: '-WEB--', containerPort: 80 }] },
      `[${at}.ports[0].name: Invalid value: "-WEB--": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), ${at}.ports[0].name: Invalid value: "-WEB--": must contain at least one letter (a-z), ${at}.ports[0].name: Invalid value: "-WEB--": must not contain consecutive hyphens, ${at}.ports[0].name: Invalid value: "-WEB--": must not begin or end with a hyphen]`,
    ],
    [
      {
        ports: [
          { name: 'a', containerPort: 80 },
          { name: 'a', containerPort: 81 },
        ],
      },
      `${at}.ports[1].name: Duplicate value: "a"`,
    ],
    [
      { ports: [{ containerPort: 80, hostPort: 70000 }] },
      `${at}.ports[0].hostPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    ],
    [
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'a b' } } }] },
      `${at}.env[0].valueFrom.secretKeyRef.key: Invalid value: "a b": a valid config key must consist of`,
    ],
    [
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'BAD', key: 'a' } } }] },
      `${at}.env[0].valueFrom.configMapKeyRef.name: Invalid value: "BAD": a lowercase RFC 1123 subdomain`,
    ],
    [
      { env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '7' } } }] },
      `${at}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
    ],
  ])('for the container %j', async (container, message) => {
    expect(await post(podsPath, podWith({}, container))).toMatchObject(refusal(422, message));
  });

  test.each(['../x', 'a/../x', '/x'])('for the subPath %s', async (subPath) => {
    const volumes = [{ name: 'v', emptyDir: {} }];
    const volumeMounts = [{ name: 'v', mountPath: '/v', subPath }];
    expect(await post(podsPath, podWith({ volumes }, { volumeMounts }))).toMatchObject(
      refusal(422, `spec.containers[0].volumeMounts.subPath: Invalid value: "${subPath}": must`),
    );
  });
});

test('a pod that has all of this in order is taken', async () => {
  const spec = {
    ...matching({ key: 'a', operator: 'Gt', values: ['1'] }),
    volumes: [{ name: 'v', hostPath: { path: '/tmp' } }],
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['10.0.0.1'] },
    hostAliases: [{ ip: '::1', hostnames: ['a'] }],
    initContainers: [
      { name: 'i', image: 'i', restartPolicy: 'Always', startupProbe: { httpGet: { port: 80 } } },
    ],
  };
  const container = {
    envFrom: [{ secretRef: { name: 'a' } }],
    lifecycle: { preStop: { sleep: { seconds: 1 } } },
    ports: [{ name: 'web-1', containerPort: 80, hostPort: 80 }],
    volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/b..' }],
    env: [
      { name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
      { name: 'B', valueFrom: { configMapKeyRef: { name: 'a', key: 'B_c-d.e' } } },
    ],
  };
  expect(await post(podsPath, podWith(spec, container))).toMatchObject({ status: 201 });
});

const jobWith = (rule: object) =>
  minimalJob('it', { spec: { podFailurePolicy: { rules: [{ action: 'Ignore', ...rule }] } } });

describe('a Job is refused', () => {
  const rule = 'spec.podFailurePolicy.rules[0]';

  test('for an exit code that is named twice', async () => {
    const values = [1, 2, 2, 3];
    expect(await post(jobsPath, jobWith({ onExitCodes: { operator: 'In', values } }))).toMatchObject(
      refusal(422, `${rule}.onExitCodes.values[2]: Duplicate value: 2`),
    );
  });

  test('for more exit codes than could each be looked for among all others', async () => {
    const values = Array.from({ length: 350_000 }, (_, index) => index + 1);
    expect(await post(jobsPath, jobWith({ onExitCodes: { operator: 'In', values } }))).toMatchObject(
      refusal(422, `${rule}.onExitCodes.values: Too many: 350000: must have at most 255 items`),
    );
  });

  test('for more conditions than a rule may have', async () => {
    const onPodConditions = Array.from({ length: 21 }, () => ({ type: 'DisruptionTarget' }));
    expect(await post(jobsPath, jobWith({ onPodConditions }))).toMatchObject(
      refusal(422, `${rule}.onPodConditions: Too many: 21: must have at most 20 items`),
    );
  });

  test('for ephemeral containers', async () => {
    const job = minimalJob('it');
    Object.assign(job.spec.template.spec, { ephemeralContainers: [{ name: 'e', image: 'i' }] });
    expect(await post(jobsPath, job)).toMatchObject(
      refusal(422, 'spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed'),
    );
  });
});

test('of very many faults some hundred are told, and how many more there are', async () => {
  const labels = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`!${index}`, '']));
  const { status, body } = await post(jobsPath, minimalJob('it', { labels }));
  const { message, details } = z
    .object({ message: z.string(), details: z.object({ causes: z.array(z.unknown()) }) })
    .parse(body);
  expect(status).toBe(422);
  expect(details.causes).toHaveLength(500);
  expect(message).toMatch(/, and 1500 more\]$/);
});

test('an Event whose time has no zone is refused, as no typed client could read it', async () => {
  const event = { metadata: { name: 'it' }, involvedObject: { namespace: 'default' } };
  const lastTimestamp = '2024-01-01T00:00:00';
  expect(await post('/api/v1/namespaces/default/events', { ...event, lastTimestamp })).toMatchObject(
    refusal(
      400,
      'Event in version "v1" cannot be handled as a Event: parsing time "2024-01-01T00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
    ),
  );
});

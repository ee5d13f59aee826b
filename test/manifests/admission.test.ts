import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { jobSpecSchema } from '../../src/core/job-request.ts';
import { findPolicyFaults } from '../../src/core/spec-policy.ts';
import { toJobManifest } from '../../src/kube/job-manifest.ts';
import { anySpec } from '../support/any-spec.ts';
import { createJudge } from './admission.ts';
import { hasKubectl, render } from './rendered.ts';

const ourAccount = 'system:serviceaccount:jobspawn:jobspawn';
const settings = {
  ALLOWED_IMAGES: 'worker:*, ghcr.io/acme/*',
  JOB_SERVICE_ACCOUNT: 'jobspawn-worker',
  REQUIRE_IMAGE_DIGEST: 'no',
};

const plainJob = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({ spec: z.looseObject({ containers: z.array(z.looseObject({})) }) }),
  }),
});

/** Without what is undefined, as it arrives at the API server. */
const sent = (object: unknown): unknown => JSON.parse(JSON.stringify(object));

function toManifest(image: string) {
  const item = {
    id: 'a',
    name: 'a',
    spec: jobSpecSchema.parse({ image }),
    namespace: 'jobspawn-jobs',
    generateName: 'a-',
    kubernetesName: 'a-b',
  };
  const callbackUrl = 'http://jobspawn.jobspawn.svc';
  const serviceAccountName = settings.JOB_SERVICE_ACCOUNT;
  return plainJob.parse(sent(toJobManifest({ item, callbackUrl, token: 'token', serviceAccountName })));
}

type Change = { image?: string; pod?: object; container?: object; spec?: object };

/** The Job that the service would make, with a change to its pod or to its one container. */
function toJob({ image = 'worker:1', pod, container, spec }: Change = {}): unknown {
  const job = toManifest(image);
  const podSpec = job.spec.template.spec;
  const containers = podSpec.containers.map((each) => ({ ...each, ...container }));
  const template = { ...job.spec.template, spec: { ...podSpec, containers, ...pod } };
  return sent({ ...job, spec: { ...job.spec, template, ...spec } });
}

const container = { name: 'more', image: 'worker:1' };
const secure = { allowPrivilegeEscalation: false };

/** By the name of the field; what a Job of the service has none of. */
const otherVolumes = {
  hostPath: { path: '/' },
  secret: { secretName: 'a' },
  configMap: { name: 'a' },
  persistentVolumeClaim: { claimName: 'a' },
  ephemeral: { volumeClaimTemplate: { spec: {} } },
  image: { reference: 'evil.example/a:1' },
  csi: { driver: 'a' },
  nfs: { server: 'a', path: '/' },
  downwardAPI: { items: [] },
  projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
  // What a Kubernetes has that is newer than this test.
  kindThatIsToCome: {},
};
const otherValues = {
  secretKeyRef: { name: 'a', key: 'b' },
  configMapKeyRef: { name: 'a', key: 'b' },
  resourceFieldRef: { resource: 'limits.cpu' },
  kindThatIsToCome: {},
};

(hasKubectl ? describe : describe.skip)('the admission policy', () => {
  const judgement = createJudge(hasKubectl ? render('k8s/base') : []);
  const judge = (object: unknown, params: Record<string, string> = settings) =>
    judgement.judge({ object, params, username: ourAccount });

  test('speaks of fields that a Job has, in expressions that are yes or no', () => {
    expect(judgement.findFaults()).toEqual([]);
  });

  test('lets through what the service makes', () => {
    expect(judge(toJob())).toEqual([]);
    expect(judge(toJob({ image: 'ghcr.io/acme/a:1' }))).toEqual([]);
    const object = toJob({
      container: { securityContext: secure },
      pod: { initContainers: [{ ...container, securityContext: secure }] },
    });
    expect(judge(object)).toEqual([]);
  });

  test('holds nobody but the account of the service', () => {
    const object = toJob({ pod: { hostNetwork: true } });
    expect(judge(object)).toHaveLength(1);
    expect(
      judgement.judge({ object, params: settings, username: 'system:serviceaccount:jobspawn:other' }),
    ).toEqual([]);
  });

  test.each<[string, Change, string]>([
    ['another image', { image: 'evil.example/worker:1' }, 'image'],
    [
      'another image in an init container',
      { pod: { initContainers: [{ ...container, image: 'x', securityContext: secure }] } },
      'image',
    ],
    ['no image', { container: { image: undefined } }, 'image'],
    ['another account', { pod: { serviceAccountName: 'default' } }, 'account'],
    ['no account named', { pod: { serviceAccountName: undefined } }, 'account'],
    ['a token of the account', { pod: { automountServiceAccountToken: true } }, 'token'],
    ['nothing said of tokens', { pod: { automountServiceAccountToken: undefined } }, 'token'],
    ...Object.entries(otherVolumes).map(([kind, source]): [string, Change, string] => [
      `a volume of the kind ${kind}`,
      {
        pod: {
          volumes: [
            { name: 'tmp', emptyDir: {} },
            { name: 'a', [kind]: source },
          ],
        },
      },
      'emptyDir',
    ]),
    ['variables from a Secret', { container: { envFrom: [{ secretRef: { name: 'a' } }] } }, 'Variables'],
    [
      'variables from a ConfigMap',
      { container: { envFrom: [{ configMapRef: { name: 'a' } }] } },
      'Variables',
    ],
    ...Object.entries(otherValues).map(([kind, source]): [string, Change, string] => [
      `a variable of the kind ${kind}`,
      {
        container: {
          env: [
            { name: 'A', value: 'a' },
            { name: 'B', valueFrom: { [kind]: source } },
          ],
        },
      },
      'Variables',
    ]),
    [
      'a variable from a Secret in an init container',
      {
        pod: {
          initContainers: [
            {
              ...container,
              securityContext: secure,
              env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }],
            },
          ],
        },
      },
      'Variables',
    ],
    ['the network of the node', { pod: { hostNetwork: true } }, 'node'],
    ['the processes of the node', { pod: { hostPID: true } }, 'node'],
    ['the memory of the node', { pod: { hostIPC: true } }, 'node'],
    ['a port of the node', { container: { ports: [{ containerPort: 1, hostPort: 1 }] } }, 'node'],
    ['privilege', { container: { securityContext: { ...secure, privileged: true } } }, 'privileges'],
    [
      'a way to privilege',
      { container: { securityContext: { allowPrivilegeEscalation: true } } },
      'privileges',
    ],
    ['nothing said of privilege', { container: { securityContext: {} } }, 'privileges'],
    ['no security context', { container: { securityContext: undefined } }, 'privileges'],
    [
      'a capability',
      { container: { securityContext: { ...secure, capabilities: { add: ['NET_ADMIN'] } } } },
      'privileges',
    ],
    ['an insecure init container', { pod: { initContainers: [container] } }, 'privileges'],
    ['no deadline', { spec: { activeDeadlineSeconds: undefined } }, 'activeDeadlineSeconds'],
    ['no time to live', { spec: { ttlSecondsAfterFinished: undefined } }, 'activeDeadlineSeconds'],
  ])('refuses a Job with %s, in one sentence', (_, change, word) => {
    expect(judge(toJob(change))).toEqual([expect.stringContaining(word)]);
  });

  test('lets a port through that is not the node’s, a scratch volume, and values that the Job itself has', () => {
    const volumes = [{ name: 'tmp', emptyDir: {} }];
    const env = [{ name: 'A' }, { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
    const change = { pod: { volumes }, container: { ports: [{ containerPort: 1 }], env } };
    expect(judge(toJob(change))).toEqual([]);
    expect(judge(toJob({ pod: { volumes: undefined }, container: { env: undefined } }))).toEqual([]);
  });

  test('refuses everything when its parameters are not there', () => {
    expect(judge(toJob(), {})).toEqual([
      expect.stringContaining('image'),
      expect.stringContaining('account'),
    ]);
  });

  const digest = `@sha256:${'0a'.repeat(32)}`;
  test.each([
    'worker:1',
    'worker',
    'ghcr.io/acme/a/b:1',
    'ghcr.io/acme-evil/a',
    'worker:5000/x',
    'evil.example/ghcr.io/acme/a',
    `worker:1${digest}`,
    `worker:1${digest}0`,
    'worker:*',
  ])('judges the image %s as the service itself does', (image) => {
    for (const requireDigest of [false, true]) {
      for (const images of [['worker:*', 'ghcr.io/acme/*'], ['worker'], ['*']]) {
        const params = {
          ...settings,
          ALLOWED_IMAGES: images.join(','),
          REQUIRE_IMAGE_DIGEST: requireDigest ? 'yes' : 'no',
        };
        const faults = findPolicyFaults(
          { ...anySpec, images, requireDigest },
          jobSpecSchema.parse({ image }),
        );
        expect([images, judge(toJob({ image }), params).length]).toEqual([images, faults.length]);
      }
    }
  });
});

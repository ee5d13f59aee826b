import { describe, expect, test } from '@jest/globals';
import type { V1Job } from '@kubernetes/client-node';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { toJobManifest } from '../../src/kube/job-manifest.ts';
import { restrictedPodSchema } from '../manifests/restricted-pod.ts';

function manifestOf(
  request: Record<string, unknown> = {},
  extra: { suspend?: boolean; serviceAccountName?: string } = {},
): V1Job {
  const parsed = jobRequestSchema.parse({ name: 'Nightly report', ...request });
  return toJobManifest({
    item: {
      id: 'a-job',
      name: parsed.name,
      spec: toJobSpec(parsed, 'jobspawn-worker'),
      namespace: 'jobs',
      generateName: 'nightly-report-',
      kubernetesName: 'nightly-report-bcdfghjklm',
    },
    callbackUrl: 'http://127.0.0.1:8080/',
    token: 'a+token',
    ...extra,
  });
}

function containerOf(job: V1Job) {
  const [container] = job.spec?.template.spec?.containers ?? [];
  if (container === undefined) throw new Error('no container');
  return container;
}

function hashOf(job: V1Job): string | undefined {
  return job.metadata?.annotations?.['jobspawn.dev/spec-hash'];
}

describe('the manifest of a job', () => {
  test('bears the name that was drawn, the prefix, and our labels on Job and pods', () => {
    const { metadata, spec } = manifestOf();
    const labels = { 'app.kubernetes.io/managed-by': 'jobspawn', 'jobspawn.dev/job-id': 'a-job' };
    expect(metadata).toMatchObject({
      name: 'nightly-report-bcdfghjklm',
      generateName: 'nightly-report-',
      namespace: 'jobs',
      labels,
    });
    expect(metadata?.annotations?.['jobspawn.dev/spec-hash']).toMatch(/^[0-9a-f]{64}$/);
    expect(spec?.template.metadata?.labels).toEqual(labels);
  });

  test('has another spec hash for another spec only', () => {
    expect(hashOf(manifestOf({ args: ['a'] }))).toBe(hashOf(manifestOf({ args: ['a'] })));
    expect(hashOf(manifestOf({ args: ['a'] }))).not.toBe(hashOf(manifestOf({ args: ['b'] })));
  });

  test('obeys Pod Security "restricted"', () => {
    expect(restrictedPodSchema.safeParse(manifestOf().spec?.template.spec).error).toBeUndefined();
  });

  test("takes the spec's numbers, bounds the run and never starts two pods for one", () => {
    const spec = {
      parallelism: 2,
      completions: 5,
      completionMode: 'Indexed',
      backoffLimit: 3,
      activeDeadlineSeconds: 60,
      ttlSecondsAfterFinished: 90,
    };
    expect(manifestOf(spec).spec).toMatchObject({ ...spec, podReplacementPolicy: 'Failed' });
  });

  test('tells the container who it is, in the order of the contract, before what the user says', () => {
    const { env } = containerOf(manifestOf({ env: { MINE: 'x' } }));
    expect(env?.map(({ name }) => name)).toEqual([
      'JOBSPAWN_JOB_ID',
      'JOBSPAWN_STATUS_URL',
      'JOBSPAWN_TOKEN',
      'JOBSPAWN_POD_UID',
      'JOBSPAWN_POD_NAME',
      'CLOUD_RUN_JOB',
      'CLOUD_RUN_EXECUTION',
      'CLOUD_RUN_TASK_INDEX',
      'CLOUD_RUN_TASK_COUNT',
      'HOME',
      'TMPDIR',
      'MINE',
    ]);
    const values = Object.fromEntries(env?.map(({ name, value }) => [name, value]) ?? []);
    expect(values).toMatchObject({
      JOBSPAWN_STATUS_URL: 'http://127.0.0.1:8080/status?job-id=a-job&token=a%2Btoken',
      CLOUD_RUN_JOB: 'Nightly report',
      CLOUD_RUN_EXECUTION: 'nightly-report-bcdfghjklm',
      CLOUD_RUN_TASK_INDEX: '0',
      CLOUD_RUN_TASK_COUNT: '1',
    });
  });

  test('reads the task index of an Indexed job from its pod', () => {
    const { env } = containerOf(manifestOf({ completionMode: 'Indexed', completions: 3 }));
    expect(env?.find(({ name }) => name === 'CLOUD_RUN_TASK_INDEX')?.valueFrom?.fieldRef?.fieldPath).toBe(
      "metadata.annotations['batch.kubernetes.io/job-completion-index']",
    );
  });

  test("keeps the user's own HOME, once", () => {
    const { env } = containerOf(manifestOf({ env: { HOME: '/work' } }));
    expect(env?.filter(({ name }) => name === 'HOME')).toEqual([{ name: 'HOME', value: '/work' }]);
  });

  test('doubles each dollar, so that the kubelet expands nothing that a user wrote', () => {
    const container = containerOf(
      manifestOf({
        name: 'costs $(A)',
        command: ['echo', '$(JOBSPAWN_TOKEN)'],
        args: ['$$', 'a$b'],
        env: { PRICE: '$5' },
      }),
    );
    expect(container.command).toEqual(['echo', '$$(JOBSPAWN_TOKEN)']);
    expect(container.args).toEqual(['$$$$', 'a$$b']);
    const values = Object.fromEntries(container.env?.map(({ name, value }) => [name, value]) ?? []);
    expect(values).toMatchObject({ CLOUD_RUN_JOB: 'costs $$(A)', PRICE: '$$5' });
  });

  test('leaves command and args to the image where the user gave none', () => {
    const container = containerOf(manifestOf());
    expect(container).not.toHaveProperty('command');
    expect(container).not.toHaveProperty('args');
  });

  test('is suspended, or runs as a service account, only where that is asked for', () => {
    expect(manifestOf().spec).not.toHaveProperty('suspend');
    expect(manifestOf().spec?.template.spec).not.toHaveProperty('serviceAccountName');
    const special = manifestOf({}, { suspend: true, serviceAccountName: 'runner' });
    expect(special.spec).toMatchObject({
      suspend: true,
      template: { spec: { serviceAccountName: 'runner' } },
    });
  });
});

import { createHash } from 'node:crypto';
import type { V1EnvVar, V1Job } from '@kubernetes/client-node';
import type { JobSpec } from '../core/job-request.ts';
import { jobIdLabel, managedBy, managedByLabel, specHashAnnotation } from '../core/labels.ts';

export type ManifestInput = {
  item: {
    id: string;
    /** Free text, as the user gave it. */
    name: string;
    spec: JobSpec;
    namespace: string;
    generateName: string;
    kubernetesName: string;
  };
  /** How pods reach us, e.g. `http://127.0.0.1:8080`. */
  callbackUrl: string;
  token: string;
  serviceAccountName?: string | undefined;
  /** Made suspended it starts no pod: see the dispatcher. */
  suspend?: boolean;
};

/** nobody's uid in distroless images; any but 0 would do. */
const unprivilegedUser = 65532;
const scratchSize = '256Mi';

/**
 * The Kubernetes Job of a job: accepted in a namespace that enforces Pod Security `restricted`, with no token, and bounded in time
 * and resources. With both `name` and `generateName` the API server takes the name, so that a create can be repeated.
 */
export function toJobManifest({
  item,
  callbackUrl,
  token,
  serviceAccountName,
  suspend,
}: ManifestInput): V1Job {
  const { spec } = item;
  const labels = { [managedByLabel]: managedBy, [jobIdLabel]: item.id };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: item.kubernetesName,
      generateName: item.generateName,
      namespace: item.namespace,
      labels,
      annotations: { [specHashAnnotation]: hashOf(spec) },
    },
    spec: {
      parallelism: spec.parallelism,
      completions: spec.completions,
      completionMode: spec.completionMode,
      backoffLimit: spec.backoffLimit,
      activeDeadlineSeconds: spec.activeDeadlineSeconds,
      ttlSecondsAfterFinished: spec.ttlSecondsAfterFinished,
      // A replacement that starts while the old pod still runs would be a second run at the same time.
      podReplacementPolicy: 'Failed',
      ...(suspend ? { suspend: true } : {}),
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: spec.restartPolicy,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: unprivilegedUser,
            runAsGroup: unprivilegedUser,
            fsGroup: unprivilegedUser,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'main',
              image: spec.image,
              ...(spec.command.length === 0 ? {} : { command: spec.command.map(literal) }),
              ...(spec.args.length === 0 ? {} : { args: spec.args.map(literal) }),
              env: toEnv({ item, callbackUrl, token }),
              resources: { requests: { ...spec.resources }, limits: { ...spec.resources } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
          volumes: [{ name: 'tmp', emptyDir: { sizeLimit: scratchSize } }],
        },
      },
    },
  };
}

function toEnv({
  item,
  callbackUrl,
  token,
}: Pick<ManifestInput, 'item' | 'callbackUrl' | 'token'>): V1EnvVar[] {
  const { spec } = item;
  const statusUrl = `${callbackUrl.replace(/\/+$/, '')}/status?${new URLSearchParams({ 'job-id': item.id, token }).toString()}`;
  const ours: V1EnvVar[] = [
    { name: 'JOBSPAWN_JOB_ID', value: item.id },
    { name: 'JOBSPAWN_STATUS_URL', value: literal(statusUrl) },
    { name: 'JOBSPAWN_TOKEN', value: literal(token) },
    fromPod('JOBSPAWN_POD_UID', 'metadata.uid'),
    fromPod('JOBSPAWN_POD_NAME', 'metadata.name'),
    { name: 'CLOUD_RUN_JOB', value: literal(item.name) },
    { name: 'CLOUD_RUN_EXECUTION', value: item.kubernetesName },
    spec.completionMode === 'Indexed'
      ? fromPod('CLOUD_RUN_TASK_INDEX', "metadata.annotations['batch.kubernetes.io/job-completion-index']")
      : { name: 'CLOUD_RUN_TASK_INDEX', value: '0' },
    { name: 'CLOUD_RUN_TASK_COUNT', value: String(spec.completions) },
    // The root file system is read-only; a user who knows better may say so in the job's own env.
    ...['HOME', 'TMPDIR'].filter((name) => !(name in spec.env)).map((name) => ({ name, value: '/tmp' })),
  ];
  const theirs = Object.entries(spec.env).map(([name, value]) => ({ name, value: literal(value) }));
  return [...ours, ...theirs];
}

function fromPod(name: string, fieldPath: string): V1EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** The kubelet expands `$(NAME)` in commands, arguments and values; `$$` stands for one `$`. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function hashOf(spec: JobSpec): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex');
}

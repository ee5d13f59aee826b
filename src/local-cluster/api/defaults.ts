import type { V1Container, V1JobSpec, V1PodSpec, V1Probe, V1Volume } from '@kubernetes/client-node';
import type { Job, Pod, Wire } from '../objects.ts';
import { sortKeys } from './json.ts';

type PodSpec = Wire<V1PodSpec>;
type Container = Wire<V1Container>;

/** `:latest` and no tag at all are pulled always; a digest or another tag only when absent. */
function defaultPullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: Wire<V1Probe> | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet !== undefined) {
    probe.httpGet.path ??= '/';
    probe.httpGet.scheme ??= 'HTTP';
  }
}

function defaultContainer(container: Container): void {
  container.resources ??= {};
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.imagePullPolicy ??= defaultPullPolicy(container.image ?? '');
  for (const port of container.ports ?? []) port.protocol ??= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ??= 'v1';
    if (valueFrom?.resourceFieldRef !== undefined) valueFrom.resourceFieldRef.divisor ??= '0';
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    defaultProbe(probe);
}

const volumeSources = (volume: Wire<V1Volume>) => Object.keys(volume).filter((key) => key !== 'name');

function defaultVolume(volume: Wire<V1Volume>): void {
  if (volumeSources(volume).length === 0) volume.emptyDir = {};
  for (const source of [volume.configMap, volume.secret, volume.projected, volume.downwardAPI]) {
    if (source !== undefined) source.defaultMode ??= 420;
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  const items = [
    ...(volume.downwardAPI?.items ?? []),
    ...(volume.projected?.sources ?? []).flatMap((source) => source.downwardAPI?.items ?? []),
  ];
  for (const { fieldRef } of items) if (fieldRef !== undefined) fieldRef.apiVersion ??= 'v1';
}

/** What a pod's spec and a Job's pod template have in common. */
function defaultPodSpec(spec: PodSpec): void {
  spec.containers ??= [];
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  spec.restartPolicy ??= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= 'ClusterFirst';
  // `serviceAccount` is the old name of the same field; the server keeps both alike.
  spec.serviceAccountName ??= spec.serviceAccount;
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  spec.securityContext ??= {};
  spec.schedulerName ??= 'default-scheduler';
}

function defaultRequests(container: Container): void {
  const { limits } = (container.resources ??= {});
  if (limits === undefined) return;
  container.resources.requests = { ...limits, ...container.resources.requests };
}

const tolerateFor5Minutes = (key: string) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
});

/** Defaults of a pod, with what the default admission plugins add (service account, priority, tolerations). */
export function defaultPod({ spec }: Pod): void {
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) defaultRequests(container);
  spec.serviceAccountName ??= 'default';
  spec.serviceAccount = spec.serviceAccountName;
  spec.priority ??= 0;
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
  spec.tolerations ??= [];
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = spec.tolerations.some(
      (toleration) => (toleration.key ?? key) === key && (toleration.effect ?? 'NoExecute') === 'NoExecute',
    );
    if (!tolerated) spec.tolerations.push(tolerateFor5Minutes(key));
  }
}

export function defaultJob({ spec }: { spec: Wire<V1JobSpec> }): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) condition.status ??= 'True';
  }
  spec.template ??= {};
  spec.template.metadata ??= {};
  defaultPodSpec((spec.template.spec ??= { containers: [] }));
}

/**
 * The labels that tie pods to their Job, on the template and in the selector, unless that is made by hand. A Job
 * without labels of its own has its template's.
 */
export function labelJob({ metadata, spec }: Job): void {
  const template = (spec.template.metadata ??= {});
  const hasOwn = Object.keys(metadata.labels ?? {}).length > 0;
  const isCopied = !hasOwn && template.labels !== undefined;
  if (spec.manualSelector !== true) {
    const { uid, name } = metadata;
    // What the user has set stays, and is refused by the validation if it is not the same.
    template.labels = sortKeys({
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
      ...template.labels,
    });
    spec.selector ??= {};
    spec.selector.matchLabels = sortKeys({
      'batch.kubernetes.io/controller-uid': uid,
      ...spec.selector.matchLabels,
    });
  }
  // Labels that the template came with are copied, and so validated, at once; those made here only in the end.
  if (isCopied) metadata.labels = { ...template.labels };
}

export function copyTemplateLabels({ metadata, spec }: Job): void {
  const labels = spec.template.metadata?.labels;
  if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0)
    metadata.labels = { ...labels };
}

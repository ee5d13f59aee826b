import { cloneJson } from '../api/json.ts';
import { finalizers } from '../finalizers.ts';
import type { Job, Pod } from '../objects.ts';
import { names } from './names.ts';
import type { PodSeed } from './pod-plan.ts';

type Container = Pod['spec']['containers'][number];

/** What generateName cuts its base to. */
const longestBase = 58;

/** The pod of the Job's template, as it is sent to the registry. */
export function toPod(job: Job, { index, failures }: PodSeed): object {
  const { metadata = {}, spec } = cloneJson(job.spec.template);
  const { name, uid } = job.metadata;
  const held = new Set([...(metadata.finalizers ?? []), finalizers.jobTracking]);
  const indexed = index === undefined ? undefined : { [names.completionIndex]: `${index}` };
  const annotations = { ...metadata.annotations, ...indexed, ...toFailureAnnotations(failures) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: toGenerateName(name, index),
      labels: { ...metadata.labels, ...indexed },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true },
      ],
      finalizers: [...held],
    },
    spec: indexed ? withIndexInEnvironment({ containers: [], ...spec, hostname: `${name}-${index}` }) : spec,
  };
}

function toGenerateName(job: string, index: number | undefined): string {
  if (index === undefined) return `${job}-`;
  const suffix = `-${index}-`;
  return `${job.slice(0, longestBase - suffix.length)}${suffix}`;
}

function toFailureAnnotations(failures: PodSeed['failures']): Record<string, string> {
  if (!failures) return {};
  return {
    [names.indexFailureCount]: `${failures.counted}`,
    ...(failures.ignored > 0 ? { [names.indexIgnoredFailureCount]: `${failures.ignored}` } : {}),
  };
}

function withIndexInEnvironment(spec: Pod['spec']): Pod['spec'] {
  const { containers, initContainers } = spec;
  return {
    ...spec,
    ...(initContainers ? { initContainers: initContainers.map(withIndexVariable) } : {}),
    containers: containers.map(withIndexVariable),
  };
}

function withIndexVariable(container: Container): Container {
  const env = container.env ?? [];
  if (env.some(({ name }) => name === names.completionIndexVariable)) return container;
  const fieldRef = { apiVersion: 'v1', fieldPath: `metadata.labels['${names.completionIndex}']` };
  return { ...container, env: [...env, { name: names.completionIndexVariable, valueFrom: { fieldRef } }] };
}

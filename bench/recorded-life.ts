/**
 * What a real cluster tells of a Job whose one pod runs and ends well, event by event as it was recorded (test/golden), for any Job that was
 * created: with its own spec, which is several times as long as the recorded one, and with `managedFields` of the usual size, which
 * recordings leave out and servers do not. What our side makes of a watch or a list depends on how much there is to read.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { jobIdLabel } from '../src/core/labels.ts';
import { quickNamespace } from '../test/faults/quick-cluster.ts';

const recording = '02-minimal-job';
/** Of the Job in it that was given a name. */
const recordedName = 'named';

const objectSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    namespace: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({}),
  status: z.looseObject({ phase: z.string().optional() }),
});
const eventSchema = z.object({ ms: z.number(), type: z.string(), name: z.string(), object: objectSchema });
const eventsSchema = z.array(eventSchema);
const recordingSchema = z.object({ watch: z.object({ jobs: eventsSchema, pods: eventsSchema }) });

/** A Job as we send it to be created. */
export const createdSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({ template: z.looseObject({ spec: z.looseObject({}) }) }),
});
export type CreatedJob = { job: z.output<typeof createdSchema>; uid: string };

export type Kind = 'jobs' | 'pods';
/** `object` is JSON already. `phase` is that of a pod. */
export type LifeEvent = { kind: Kind; type: string; uid: string; phase: string | undefined; object: string };

/** In the order in which they were told, and in the end both objects leave. */
export type Life = { pod: { name: string; uid: string }; events: LifeEvent[] };

export function createLives(): (created: CreatedJob) => Life {
  const { watch } = recordingSchema.parse(JSON.parse(readFileSync(`test/golden/${recording}.json`, 'utf8')));
  const [jobs, pods] = [toMolds('jobs', watch.jobs), toMolds('pods', watch.pods)];
  const leaving = [pods, jobs].flatMap((molds) =>
    molds.slice(-1).map((mold) => ({ ...mold, type: 'DELETED' })),
  );
  const life = [...[...jobs, ...pods].toSorted((a, b) => a.ms - b.ms), ...leaving];
  const podSpec = watch.pods.find(({ name }) => name.startsWith(recordedName))?.object.spec;

  return ({ job, uid }) => {
    const { name, labels } = job.metadata;
    const pod = { name: `${name}-x7k2p`, uid: randomUUID() };
    const values: Record<string, string> = {
      name,
      uid,
      podName: pod.name,
      podUid: pod.uid,
      namespace: quickNamespace,
      now: new Date().toISOString().replace(/\.\d+/, ''),
      labels: JSON.stringify(labels).slice(1, -1),
      jobs: JSON.stringify(job.spec),
      pods: JSON.stringify({ ...podSpec, ...job.spec.template.spec }),
    };
    const toEvent = ({ kind, type, phase, pieces }: Mold): LifeEvent => ({
      kind,
      type,
      uid: kind === 'jobs' ? uid : pod.uid,
      phase,
      object: pieces.map((piece, n) => (n % 2 === 0 ? piece : values[piece])).join(''),
    });
    return { pod, events: life.map(toEvent) };
  };
}

type Mold = { kind: Kind; ms: number; type: string; phase: string | undefined; pieces: string[] };

/** Text in which what differs from Job to Job stands as a word: every other piece is such a word. */
function toMolds(kind: Kind, events: z.output<typeof eventsSchema>): Mold[] {
  const own = events.filter(({ name }) => name === recordedName || name.startsWith(`${recordedName}-`));
  return own.map(({ ms, type, object }) => {
    const { metadata, spec, ...rest } = object;
    const labels = { ...metadata.labels, [jobIdLabel]: '«labels»' };
    const fields = [{ manager: 'kube-controller-manager', fieldsV1: toFields({ spec, ...rest }) }];
    const generateName = kind === 'jobs' ? undefined : `«name»-`;
    const written = { ...metadata, generateName, labels, managedFields: fields };
    const text = JSON.stringify({ ...rest, metadata: written, spec: `«${kind}»` })
      .replace(`"${jobIdLabel}":"«labels»"`, '«labels»')
      .replace(`"«${kind}»"`, `«${kind}»`)
      .replaceAll(/"2026-[^"]+Z"/g, '"«now»"')
      .replaceAll(metadata.namespace, '«namespace»')
      .replaceAll(metadata.uid, kind === 'jobs' ? '«uid»' : '«podUid»')
      .replaceAll(ownerOf(metadata) ?? metadata.uid, '«uid»')
      .replaceAll(new RegExp(`"${recordedName}-\\w+"`, 'g'), '"«podName»"')
      .replaceAll(`"${recordedName}"`, '"«name»"');
    return { kind, ms, type, phase: rest.status.phase, pieces: text.split(/«(\w+)»/) };
  });
}

function ownerOf(metadata: { labels: Record<string, string> }): string | undefined {
  return metadata.labels['batch.kubernetes.io/controller-uid'];
}

/** As the API server notes who wrote which field. */
function toFields(value: unknown): Record<string, unknown> {
  if (Array.isArray(value)) {
    const toItem = (item: unknown, n: number) =>
      [`k:{"name":"${n}"}`, { '.': {}, ...toFields(item) }] as const;
    return Object.fromEntries(value.map(toItem));
  }
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [`f:${key}`, toFields(part)]));
}

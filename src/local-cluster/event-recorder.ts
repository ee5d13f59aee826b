import type { Logger } from 'pino';
import { StatusError } from './api/status-error.ts';
import { toTimestamp } from './api/times.ts';
import type { Job, Pod } from './objects.ts';
import type { Registry } from './registry-contract.ts';

export type EventNote = {
  about: Job | Pod;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** `job-controller`, `kubelet` or `default-scheduler`; the scheduler's events have another form. */
  component: string;
  /** For example `spec.containers{main}`. */
  fieldPath?: string;
};

export type EventRecorder = {
  /** Never throws. */
  record: (note: EventNote) => void;
};

type Series = { name: string; count: number };
type Likeness = { messages: Set<string>; since: number };

/** As many series as the recorder of a real cluster remembers; one that is forgotten starts a new Event. */
const REMEMBERED = 4096;
const SIMILAR_LIMIT = 10;
const SIMILAR_WITHIN_MS = 600_000;

/**
 * Writes core/v1 Events as the components of a real cluster do. The same note about the same object raises `count` on
 * one Event. From the tenth different message of one reason within ten minutes on they share one Event, which bounds
 * what a Job with a thousand pods can write. An Event that is refused (its namespace is going) is lost, and so is one that
 * the disk does not take: nobody's work may end for want of an Event.
 */
export function createEventRecorder(registry: Registry, log: Pick<Logger, 'error'>): EventRecorder {
  const series = new Map<string, Series>();
  const likeness = new Map<string, Likeness>();
  const nextSuffix = createSuffixClock();

  function combineSimilar(note: EventNote, kinship: string): EventNote {
    const now = Date.now();
    let seen = likeness.get(kinship);
    if (!seen || now - seen.since > SIMILAR_WITHIN_MS) seen = { messages: new Set(), since: now };
    seen.messages.add(note.message);
    seen.since = now;
    remember(likeness, kinship, seen);
    if (seen.messages.size < SIMILAR_LIMIT) return note;
    seen.messages.delete(note.message);
    return { ...note, message: `(combined from similar events): ${note.message}` };
  }

  function write(note: EventNote): void {
    const { uid, namespace = 'default', name: object } = note.about.metadata;
    const kinship = [uid, note.component, note.type, note.reason].join('\n');
    const written = combineSimilar(note, kinship);
    const combined = written !== note;
    const key = combined ? kinship : [kinship, note.fieldPath ?? '', note.message].join('\n');
    const known = series.get(key);
    const now = new Date();
    if (known) {
      const raised = registry.update('events', { namespace, name: known.name }, (event) => {
        event.message = written.message;
        if (event.eventTime)
          event.series = { count: (event.series?.count ?? 1) + 1, lastObservedTime: toMicroTime(now) };
        else {
          event.count = known.count + 1;
          event.lastTimestamp = toTimestamp(now);
        }
      });
      if (raised) {
        known.count += 1;
        remember(series, key, known);
        return;
      }
    }
    const name = `${object}.${nextSuffix(now)}`;
    registry.create('events', namespace, toEvent(written, { name, namespace, now }));
    remember(series, key, { name, count: 1 });
  }

  return {
    record(note) {
      try {
        write(note);
      } catch (error) {
        if (error instanceof StatusError) return;
        const { name, namespace } = note.about.metadata;
        log.error({ err: error, about: `${namespace}/${name}`, reason: note.reason }, 'an Event was lost');
      }
    },
  };
}

function toEvent(
  { about, type, reason, message, component, fieldPath }: EventNote,
  { name, namespace, now }: { name: string; namespace: string; now: Date },
): object {
  const { uid, resourceVersion, name: object } = about.metadata;
  const common = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      kind: about.kind,
      namespace,
      name: object,
      uid,
      apiVersion: about.apiVersion,
      resourceVersion,
      ...(fieldPath === undefined ? {} : { fieldPath }),
    },
    reason,
    message,
  };
  if (component === 'default-scheduler')
    return {
      ...common,
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      type,
      eventTime: toMicroTime(now),
      action: reason === 'Scheduled' ? 'Binding' : 'Scheduling',
      reportingComponent: component,
      reportingInstance: `${component}-local`,
    };
  const host = component === 'kubelet' && 'nodeName' in about.spec ? about.spec.nodeName : undefined;
  return {
    ...common,
    source: { component, ...(host === undefined ? {} : { host }) },
    firstTimestamp: toTimestamp(now),
    lastTimestamp: toTimestamp(now),
    count: 1,
    type,
    eventTime: null,
    reportingComponent: component,
    reportingInstance: host ?? '',
  };
}

/** Suffixes are nanoseconds in hex, as in a real cluster; two in the same instant still differ. */
function createSuffixClock(): (now: Date) => string {
  let last = 0n;
  return (now) => {
    const nanoseconds = BigInt(now.getTime()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n);
    last = nanoseconds > last ? nanoseconds : last + 1n;
    return last.toString(16);
  };
}

/** Keeps the map in order of use, and drops what was used longest ago. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

function toMicroTime(at: Date): string {
  return at.toISOString().replace('Z', '000Z');
}

import { AppError } from '../core/app-error.ts';
import type { PodFact } from '../core/facts.ts';
import type { Job } from '../core/job.ts';
import { isFinal } from '../core/job-state.ts';
import { hasEnded } from '../core/pod.ts';
import type { Kube } from '../kube/cluster.ts';
import type { Store } from '../store/store.ts';
import type { EventFeed } from './event-feed.ts';
import { ownTurn } from './own-turn.ts';

type LogOptions = {
  /** Only this completion index. */
  task?: number | undefined;
  /** Only this attempt of each task, counted from 0. */
  attempt?: number | undefined;
  /** Only so many lines from the end, of each pod. */
  tail?: number | undefined;
  /** Goes on until the job has ended, over pods that are yet to start. */
  follow: boolean;
  signal: AbortSignal;
};

type FollowOutcome = 'read' | 'not-started' | 'gone';

/** How long to wait for news of a pod whose log cannot be read now; most often an event comes first. */
const patienceMs = 5000;

type LogParts = {
  store: Pick<Store, 'findSummary' | 'findPod' | 'listPodsAfter' | 'findLog' | 'lastSeq'>;
  kube: Pick<Kube, 'readPodLog'>;
  feed: EventFeed;
  /** Resolves when what others are reading of a pod's log is in the store; at once where nobody is. */
  untilLogIsKept: (pod: { uid: string; number: number }) => Promise<void>;
};

export type JobLog = ReturnType<typeof createJobLog>;

/** The log of a job, pod after pod: the kept text where there is one, else live from the cluster. */
export function createJobLog({ store, kube, feed, untilLogIsKept }: LogParts) {
  /**
   * Pods in the order of task, then age. Where there are several, a line `==> pod NAME (task N) <==` stands before each. A log that
   * is nowhere to be had is passed over. Throws AppError `unavailable` when it is not followed and the cluster does not answer.
   */
  async function* read(job: Pick<Job, 'id'>, options: LogOptions): AsyncGenerator<Buffer, void, undefined> {
    const { follow, signal } = options;
    const told = new Set<string>();
    let known: Pods = [];
    let lastByte = newline;
    while (!signal.aborted) {
      const after = store.lastSeq();
      const state = store.findSummary(job.id)?.state;
      known = withNew(job.id, known);
      const pods = toAsked(known, options);
      for (const pod of pods.filter(({ uid }) => !told.has(uid))) {
        told.add(pod.uid);
        if (pods.length > 1)
          yield Buffer.from(
            `${lastByte === newline ? '' : '\n'}==> pod ${pod.name} (task ${pod.index}) <==\n`,
          );
        for await (const chunk of readPod(job.id, pod, options)) {
          if (chunk.length === 0) continue;
          lastByte = chunk.at(-1) ?? lastByte;
          yield chunk;
        }
      }
      if (!follow || state === undefined || isFinal(state)) return;
      await news(job.id, after, signal);
    }
  }

  /** A job may have thousands of pods: those that were read once are not read again for each one more. */
  function withNew(jobId: string, known: Pods): Pods {
    const last = known.reduce((highest, { number }) => Math.max(highest, number), 0);
    const fresh = store.listPodsAfter(jobId, last);
    return fresh.length === 0 ? known : [...known, ...fresh].toSorted(byTaskAndAge);
  }

  async function* readPod(
    jobId: string,
    pod: Pods[number],
    options: LogOptions,
  ): AsyncGenerator<Buffer, void, undefined> {
    const kept = store.findLog(pod.uid);
    if (kept !== undefined) {
      yield lastLines(kept, options.tail);
      // Nothing is waited for here, and there may be thousands of pods.
      await ownTurn();
    } else if (options.follow) yield* followPod(jobId, pod, options);
    else yield* readOnce(pod, options);
  }

  async function* readOnce(
    pod: Pods[number],
    { tail, signal }: LogOptions,
  ): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* kube.readPodLog({ pod: pod.name, follow: false, tail }, signal);
    } catch (error) {
      if (signal.aborted) return;
      const isWaiting = isAppError(error, 'unavailable') && store.findPod(pod.uid)?.startedAt === null;
      if (!isWaiting && !isAppError(error, 'not-found')) throw error;
      yield* readKept(pod, tail);
    }
  }

  /** Of a pod that left while we asked: its log was kept just before, or will be by who listened to it to its end. */
  async function* readKept(
    pod: Pods[number],
    tail: number | undefined,
  ): AsyncGenerator<Buffer, void, undefined> {
    await untilLogIsKept(pod);
    const kept = store.findLog(pod.uid);
    if (kept !== undefined) yield lastLines(kept, tail);
  }

  /** Waits for the container to start, and for each of its restarts, until the pod has ended. */
  async function* followPod(
    jobId: string,
    pod: Pods[number],
    { tail, signal }: LogOptions,
  ): AsyncGenerator<Buffer, void, undefined> {
    let run: number | null = null;
    while (!signal.aborted) {
      const after = store.lastSeq();
      const latest = store.findPod(pod.uid);
      const restarts = latest?.restarts ?? 0;
      if (run === null || restarts > run) {
        const outcome: FollowOutcome = yield* followRun(pod, {
          tail: run === null ? tail : undefined,
          signal,
        });
        if (signal.aborted) return;
        if (outcome === 'gone') {
          // What was read of it before would stand there twice.
          if (run === null) yield* readKept(pod, tail);
          return;
        }
        if (outcome === 'read') run = restarts;
      }
      if (latest === undefined || latest.gone || hasEnded(latest)) return;
      await news(jobId, after, signal);
    }
  }

  /** One run of the container to its end; kube takes up a stream that was cut. */
  async function* followRun(
    pod: PodFact,
    { tail, signal }: Pick<LogOptions, 'tail' | 'signal'>,
  ): AsyncGenerator<Buffer, FollowOutcome, undefined> {
    let given = 0;
    try {
      for await (const chunk of kube.readPodLog({ pod: pod.name, follow: true, tail }, signal)) {
        given += chunk.length;
        yield chunk;
      }
      return 'read';
    } catch (error) {
      if (signal.aborted) return 'gone';
      if (isAppError(error, 'not-found')) return given > 0 ? 'read' : 'gone';
      // Once something was given, a second try would give it twice: then the reader must learn that the log broke off.
      if (given > 0 || !isAppError(error, 'unavailable')) throw error;
      return 'not-started';
    }
  }

  /** An event of the job after the given one, or the end of our patience. */
  async function news(jobId: string, after: number, signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const events = feed.follow({ after, jobId, signal: patience });
    await events.next();
    await events.return();
  }

  return { read };
}

const newline = 10;

type Pods = ReturnType<Store['listPodsAfter']>;

function byTaskAndAge(a: Pods[number], b: Pods[number]): number {
  if (a.index !== b.index) return a.index - b.index;
  return a.createdAt === b.createdAt ? a.number - b.number : a.createdAt < b.createdAt ? -1 : 1;
}

/** Expects the pods of a task side by side, the oldest first. */
function toAsked(pods: Pods, { task, attempt }: LogOptions): Pods {
  let nth = 0;
  return pods.filter(({ index }, at) => {
    nth = pods[at - 1]?.index === index ? nth + 1 : 0;
    return (task === undefined || index === task) && (attempt === undefined || nth === attempt);
  });
}

function isAppError(error: unknown, code: AppError['code']): boolean {
  return error instanceof AppError && error.code === code;
}

function lastLines(text: Buffer, count: number | undefined): Buffer {
  if (count === undefined) return text;
  let start = text.at(-1) === newline ? text.length - 1 : text.length;
  for (let left = count; left > 0 && start > 0; left -= 1) start = text.lastIndexOf(newline, start - 1);
  if (count === 0) return text.subarray(text.length);
  return start <= 0 ? text : text.subarray(start + 1);
}

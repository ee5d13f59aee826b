import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppError } from '../core/app-error.ts';
import { toAppError, toNoAnswer } from './api-failure.ts';
import type { ApiFailure } from './api-failure.ts';
import type { Answer } from './connection.ts';
import { findRun } from './container-run.ts';
import type { ContainerRun, PodPlace } from './container-run.ts';
import { toBuffer } from './lines.ts';
import { createStampReader } from './log-stamps.ts';
import type { LogPosition } from './log-stamps.ts';

export type PodLogRequest = {
  pod: string;
  /** Goes on until the container ends. */
  follow: boolean;
  /** Of the run before the latest, in a pod that starts its container again. */
  previous?: boolean;
  /** RFC 3339. */
  sinceTime?: string;
  /** Only so many lines from the end. */
  tail?: number;
  /** Each line begins with its time. */
  timestamps?: boolean;
};

/** A container that writes nothing keeps its connection; only so many cuts in a row, with nothing between them, end a follow. */
const cutsInARow = 5;
const firstPauseMs = 500;
const longestPauseMs = 8000;

/** What the API server and the kubelet say of a container of which no run has begun. */
const notStarted = ['waiting to start', 'is not available'];

/**
 * The bytes of the log of the pod's main container. The library's own reader ends the process when its stream is cut; ours
 * throws AppError: `not-found` for a pod that is gone, `unavailable` while the container has not started or when the cluster is away.
 */
export function readLog(
  place: PodPlace,
  request: PodLogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  return request.follow ? followLog(place, request, signal) : readOnce(place, request, signal);
}

/** Whether a log could not be read because no run of the container has begun. */
export function isNotStarted({ message }: { message: string }): boolean {
  return notStarted.some((words) => message.includes(words));
}

async function* readOnce(
  place: PodPlace,
  request: PodLogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const answer = await open(place, request, signal);
  if (!answer.ok) throw toLogError(answer.failure, request.pod);
  try {
    for await (const chunk of answer.value) yield toBuffer(chunk);
  } catch (error) {
    signal.throwIfAborted();
    throw toLogError(toNoAnswer(error), request.pod);
  }
}

/**
 * Follows one run of the container over cuts: with times asked for, it takes up again where it was. A clean end may be a cut too
 * (the kubelet rotates the log, the API server shuts down), so the pod is asked whether that run goes on. The next run's
 * lines are left alone: the caller has to know that they are another's.
 */
async function* followLog(
  place: PodPlace,
  request: PodLogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const begun = await findRun(place, signal);
  const run = begun.ok ? begun.value : null;
  let position: LogPosition | null = null;
  let [cuts, quietPasses] = [0, 0];
  for (;;) {
    const from = position && { tail: undefined, sinceTime: position.second };
    const answer = await open(place, { ...request, timestamps: true, ...from }, signal);
    // What was read so far is all there will be: the pod has left, with its log.
    if (!answer.ok && answer.failure.reason === 'NotFound' && position !== null) return;
    const reader = createStampReader({ after: position, keepStamps: request.timestamps ?? false });
    let failure = answer.ok ? yield* pour(answer.value, reader, signal) : answer.failure;
    if (failure === null) {
      const latest = await findRun(place, signal);
      if (latest.ok && !(isSameRun(latest.value, run) && latest.value.isRunning)) {
        yield* reader.end();
        return;
      }
      if (!latest.ok) failure = latest.failure;
    }
    position = reader.position();
    if (reader.hasNews()) [cuts, quietPasses] = [0, 0];
    quietPasses += 1;
    cuts = failure === null ? 0 : cuts + 1;
    if (failure !== null && (cuts > cutsInARow || isForGood(failure))) throw toLogError(failure, request.pod);
    const pauseMs = Math.min(firstPauseMs * 2 ** (quietPasses - 1), longestPauseMs);
    await delay(failure?.retryAfterMs ?? pauseMs, undefined, { signal });
    if (failure !== null) continue;
    // News of a run's end comes a little later than the end of its log, and by now the next run may have begun.
    const latest = await findRun(place, signal);
    if (latest.ok && !isSameRun(latest.value, run)) return;
  }
}

/** Null when the stream ended cleanly. */
async function* pour(
  stream: Readable,
  reader: ReturnType<typeof createStampReader>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, ApiFailure | null> {
  try {
    for await (const chunk of stream) {
      yield* reader.write(toBuffer(chunk));
    }
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return toNoAnswer(error);
  }
}

function open(
  { connection, podPath }: PodPlace,
  { follow, previous, sinceTime, tail, timestamps }: PodLogRequest,
  signal: AbortSignal,
): Promise<Answer<Readable>> {
  const query = { container: 'main', follow, previous, sinceTime, tailLines: tail, timestamps };
  return connection.open(`${podPath}/log`, query, signal);
}

function isSameRun(latest: ContainerRun | null, run: ContainerRun | null): latest is ContainerRun {
  return latest !== null && latest.restarts === run?.restarts;
}

function isForGood({ code }: ApiFailure): boolean {
  return code >= 400 && code < 500 && code !== 429;
}

/** A container that waits to start answers 400; for a reader that is no fault of his. */
function toLogError(failure: ApiFailure, pod: string): AppError {
  const waits = failure.reason === 'BadRequest' && isNotStarted(failure);
  return toAppError(waits ? { ...failure, reason: null } : failure, `read the log of the pod ${pod}`);
}

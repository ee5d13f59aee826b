import { setTimeout as delay } from 'node:timers/promises';
import type { AppError } from '../core/app-error.ts';
import { toAppError, toNoAnswer } from './api-failure.ts';
import type { ApiFailure } from './api-failure.ts';
import type { Connection } from './connection.ts';
import { toBuffer } from './lines.ts';
import { createStampReader } from './log-stamps.ts';
import type { LogPosition } from './log-stamps.ts';

export type PodLogRequest = {
  pod: string;
  /** Goes on until the container ends. */
  follow: boolean;
  /** RFC 3339. */
  sinceTime?: string;
  /** Only so many lines from the end. */
  tail?: number;
  /** Each line begins with its time. */
  timestamps?: boolean;
};

type Place = { connection: Connection; path: string };

/** A container that writes nothing keeps its connection; only so many cuts in a row, with nothing between them, end a follow. */
const cutsInARow = 5;
const firstPauseMs = 500;

/**
 * The bytes of the log of the pod's main container. The library's own reader ends the process when its stream is cut; ours
 * throws AppError: `not-found` for a pod that is gone, `unavailable` while the container has not started or when the cluster is away.
 */
export function readLog(place: Place, request: PodLogRequest, signal: AbortSignal): AsyncGenerator<Buffer> {
  return request.follow ? followLog(place, request, signal) : readOnce(place, request, signal);
}

async function* readOnce(
  { connection, path }: Place,
  request: PodLogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const answer = await connection.open(path, toQuery(request), signal);
  if (!answer.ok) throw toLogError(answer.failure, request.pod);
  try {
    for await (const chunk of answer.value) yield toBuffer(chunk);
  } catch (error) {
    signal.throwIfAborted();
    throw toLogError(toNoAnswer(error), request.pod);
  }
}

/**
 * Follows over cuts: with times asked for, it takes up again where it was. A clean end is the end of the container's run; to ask
 * once more could bring the next run's lines, of which the caller has to know that they are another's.
 */
async function* followLog(
  { connection, path }: Place,
  request: PodLogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let position: LogPosition | null = null;
  for (let cuts = 0; ;) {
    const query = toQuery({
      ...request,
      timestamps: true,
      ...(position && { tail: undefined, sinceTime: position.second }),
    });
    const answer = await connection.open(path, query, signal);
    const reader = createStampReader({ after: position, keepStamps: request.timestamps ?? false });
    let failure: ApiFailure;
    if (answer.ok) {
      try {
        for await (const chunk of answer.value) yield* reader.write(toBuffer(chunk));
        yield* reader.end();
        return;
      } catch (error) {
        signal.throwIfAborted();
        failure = toNoAnswer(error);
      }
    } else {
      failure = answer.failure;
      // What was read so far is all there will be: the pod has left, with its log.
      if (failure.reason === 'NotFound' && position !== null) return;
    }
    position = reader.position();
    cuts = reader.hasNews() ? 1 : cuts + 1;
    if (cuts > cutsInARow || isForGood(failure)) throw toLogError(failure, request.pod);
    await delay(failure.retryAfterMs ?? firstPauseMs * 2 ** (cuts - 1), undefined, { signal });
  }
}

function isForGood({ code }: ApiFailure): boolean {
  return code >= 400 && code < 500 && code !== 429;
}

function toQuery({ follow, sinceTime, tail, timestamps }: PodLogRequest) {
  return { container: 'main', follow, sinceTime, tailLines: tail, timestamps };
}

/** A container that waits to start answers 400; for a reader that is no fault of his. */
function toLogError(failure: ApiFailure, pod: string): AppError {
  const waits = failure.reason === 'BadRequest' && failure.message.includes('waiting to start');
  return toAppError(waits ? { ...failure, reason: null } : failure, `read the log of the pod ${pod}`);
}

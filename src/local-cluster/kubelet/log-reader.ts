import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { GrowingLog } from './container-log.ts';
import { listSegments } from './container-log.ts';

export type LogOptions = {
  previous?: boolean;
  follow?: boolean;
  timestamps?: boolean;
  sinceTime?: Date;
  tailLines?: number;
  limitBytes?: number;
};

/** Where the log of one run lies; `growing` while it is being written. */
export type LogPlace = { directory: string; attempt: number; growing?: GrowingLog };

const chunkBytes = 64 * 1024;
const lineFeed = 0x0a;
const space = 0x20;

/**
 * Yields the log of one run as the process wrote it, in chunks. With `follow` it goes on until the run ends or the
 * signal is aborted; a reader who falls behind by more than the kept files loses the oldest lines.
 */
export async function* readContainerLog(
  place: LogPlace,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const { limitBytes = Infinity, tailLines } = options;
  let remaining = limitBytes;
  const format = createFormatter(options);
  const start = tailLines === undefined ? undefined : await findTail(place, tailLines);
  for await (const lines of readLines(place, start, options.follow ?? false, signal)) {
    const text = format(lines);
    if (text.length === 0) continue;
    yield text.subarray(0, remaining);
    remaining -= text.length;
    if (remaining <= 0) return;
  }
}

type Position = { segment: number; offset: number };

/** Yields whole lines of the files as they stand on disk, many at a time, lent until the next are asked for. */
async function* readLines(
  place: LogPlace,
  start: Position | undefined,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let position = start ?? { segment: 0, offset: 0 };
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (;;) {
    const { growing } = place;
    const change = growing?.changed();
    const ended = growing?.ended() ?? true;
    const segments = listSegments(place.directory, place.attempt).filter(
      ({ segment }) => segment >= position.segment,
    );
    for (const { segment, path } of segments) {
      if (segment !== position.segment) position = { segment, offset: 0 };
      for await (const lines of readFrom({ path, offset: position.offset, buffer }, signal)) {
        position.offset += lines.length;
        yield lines;
      }
    }
    if (!follow || ended || signal.aborted) return;
    await untilChanged(change, signal);
  }
}

/** Yields whole lines from an offset to the end of the file as it is now. */
async function* readFrom(
  { path, offset, buffer }: { path: string; offset: number; buffer: Buffer },
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const file = await openIfThere(path);
  if (!file) return;
  try {
    let at = offset;
    while (!signal.aborted) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(lineFeed) + 1;
      if (end === 0) return;
      yield buffer.subarray(0, end);
      at += end;
    }
  } finally {
    await file.close();
  }
}

/** Where the last lines of a log begin. Counts lines of the file, as the kubelet does: a part of a long line is one. */
async function findTail({ directory, attempt }: LogPlace, lines: number): Promise<Position | undefined> {
  const segments = listSegments(directory, attempt);
  const last = segments.at(-1);
  if (last === undefined) return undefined;
  let wanted = lines;
  for (const { segment, path } of segments.toReversed()) {
    const file = await openIfThere(path);
    if (!file) continue;
    try {
      const { size } = await file.stat();
      if (wanted === 0) return { segment, offset: size };
      for (let end = size; end > 0; end -= Math.min(chunkBytes, end)) {
        const from = Math.max(0, end - chunkBytes);
        const { buffer } = await file.read(Buffer.alloc(end - from), 0, end - from, from);
        // The line feed at the very end of a block belongs to the line before it.
        for (
          let at = buffer.lastIndexOf(lineFeed);
          at !== -1;
          at = at === 0 ? -1 : buffer.lastIndexOf(lineFeed, at - 1)
        ) {
          const next = from + at + 1;
          if (next === size) continue;
          wanted -= 1;
          if (wanted === 0) return { segment, offset: next };
        }
      }
      // The first line of a file has no line feed before it.
      if (size > 0) wanted -= 1;
      if (wanted === 0) return { segment, offset: 0 };
    } finally {
      await file.close();
    }
  }
  return undefined;
}

/** Turns lines of the file into what the reader asked for: a new buffer, which is never longer. */
function createFormatter({ timestamps = false, sinceTime }: LogOptions): (lines: Buffer) => Buffer {
  const since = sinceTime?.toISOString().replace('Z', '000000Z');
  let atLineStart = true;
  return (lines) => {
    const output = Buffer.allocUnsafe(lines.length);
    let filled = 0;
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(lineFeed, start);
      const timeEnd = lines.indexOf(space, start);
      const tag = lines.indexOf(space, timeEnd + 1) + 1;
      const whole = lines[tag] === 0x46;
      if (since === undefined || lines.toString('latin1', start, timeEnd) >= since) {
        if (timestamps && atLineStart) filled += lines.copy(output, filled, start, timeEnd + 1);
        filled += lines.copy(output, filled, tag + 2, whole ? end + 1 : end);
        atLineStart = whole;
      }
      start = end + 1;
    }
    return output.subarray(0, filled);
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch {
    return undefined;
  }
}

/** Leaves no listener behind: a reader may wait a million times under one signal. */
async function untilChanged(change: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener('abort', abort);
  await Promise.race([change, aborted.promise]);
  signal.removeEventListener('abort', abort);
}

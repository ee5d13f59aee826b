import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../faults.ts';
import type { WritePiece } from './line-cutter.ts';
import { createLineCutter } from './line-cutter.ts';
import type { Stream } from './line-head.ts';
import { createLineHead, headLength } from './line-head.ts';

/** The log of one run of a container while it is being written. */
export type ContainerLog = {
  /** Keeps nothing of the chunk. */
  write: (stream: Stream, chunk: Buffer) => void;
  /** Writes what has no line feed yet, and lets followers end. */
  end: () => void;
};

/** What a follower needs to know of a log that may still grow. */
export type GrowingLog = {
  ended: () => boolean;
  /** Resolves at the next write or the end. To be asked for before reading up to the end of the file. */
  changed: () => Promise<void>;
};

/** As the kubelet rotates: files of 10 MiB, of which the last five are kept. */
const segmentBytes = 10 * 1024 * 1024;
const segmentsKept = 5;

const lineFeed = 0x0a;

/** Where lines are put together on their way to a file: one for all logs, since nothing waits while it holds something. */
const block = Buffer.allocUnsafeSlow(128 * 1024);

const segmentName = (attempt: number, segment: number) => `${attempt}.${segment}.log`;

/** The files of one run that are there, in order. */
export function listSegments(directory: string, attempt: number): { segment: number; path: string }[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const [, run, segment] = /^(\d+)\.(\d+)\.log$/.exec(name) ?? [];
      return Number(run) === attempt && segment !== undefined
        ? [{ segment: Number(segment), path: join(directory, name) }]
        : [];
    })
    .toSorted((a, b) => a.segment - b.segment);
}

/**
 * Writes the lines of both streams in the form of the container runtime interface: time, stream, `F` (or `P` for a
 * part of a line), text. Writing is synchronous: a line is in the file before a follower is told of it, and a process
 * that writes faster than the disk is held back by its pipe.
 */
export function openContainerLog(directory: string, attempt: number): ContainerLog & GrowingLog {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const toHead = createLineHead();
  let segment = 0;
  let written = 0;
  let filled = 0;
  let file = openSync(join(directory, segmentName(attempt, segment)), 'a', 0o600);
  let ended = false;
  let change: PromiseWithResolvers<void> | undefined;

  function announce(): void {
    change?.resolve();
    change = undefined;
  }

  function rotate(): void {
    const next = openSync(join(directory, segmentName(attempt, segment + 1)), 'a', 0o600);
    closeSync(file);
    file = next;
    segment += 1;
    written = 0;
    rmSync(join(directory, segmentName(attempt, segment - segmentsKept)), { force: true });
  }

  function flush(): void {
    const end = filled;
    filled = 0;
    try {
      for (let at = 0; at < end;) at += writeSync(file, block, at, end - at);
      written += end;
      if (written >= segmentBytes) rotate();
    } catch (error) {
      // A full disk costs lines of the log, and must not cost the cluster.
      if (codeOf(error) === undefined) throw error;
    }
  }

  const writerOf =
    (stream: Stream): WritePiece =>
    ({ source, start, end, whole }) => {
      if (filled + headLength + end - start + 1 > block.length) flush();
      filled += toHead(stream, whole).copy(block, filled);
      filled += source.copy(block, filled, start, end);
      filled = block.writeUInt8(lineFeed, filled);
    };
  const cutters = {
    stdout: createLineCutter(writerOf('stdout')),
    stderr: createLineCutter(writerOf('stderr')),
  };

  function finish(): void {
    if (filled === 0) return;
    flush();
    announce();
  }

  return {
    write(stream, chunk) {
      cutters[stream].cut(chunk);
      finish();
    },
    end() {
      cutters.stdout.rest();
      cutters.stderr.rest();
      finish();
      closeSync(file);
      ended = true;
      announce();
    },
    ended: () => ended,
    changed() {
      change ??= Promise.withResolvers();
      return change.promise;
    },
  };
}

import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../faults.ts';
import type { Piece } from './line-cutter.ts';
import { createLineCutter } from './line-cutter.ts';

type Stream = 'stdout' | 'stderr';

/** The log of one run of a container while it is being written. */
export type ContainerLog = {
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
/** `2026-11-20T23:36:47.267774612Z stdout F ` */
const headLength = 40;

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
  const clock = createLineClock();
  let segment = 0;
  let written = 0;
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

  function writeBlock(block: Buffer): void {
    let offset = 0;
    while (offset < block.length) offset += writeSync(file, block, offset);
    written += block.length;
    if (written >= segmentBytes) rotate();
  }

  /** In one piece of memory: a chatty container makes a million lines. */
  function toBlock(stream: Stream, pieces: Piece[]): Buffer {
    const size = pieces.reduce((sum, { text }) => sum + headLength + text.length + 1, 0);
    const block = Buffer.allocUnsafe(size);
    let at = 0;
    for (const { text, whole } of pieces) {
      at += block.write(`${clock()} ${stream} ${whole ? 'F' : 'P'} `, at, 'latin1');
      at += text.copy(block, at);
      at = block.writeUInt8(lineFeed, at);
    }
    return block;
  }

  function append(stream: Stream, pieces: Piece[]): void {
    if (pieces.length === 0) return;
    try {
      writeBlock(toBlock(stream, pieces));
    } catch (error) {
      // A full disk costs lines of the log, and must not cost the cluster.
      if (codeOf(error) === undefined) throw error;
    }
    announce();
  }

  const cutters = { stdout: createLineCutter(), stderr: createLineCutter() };
  return {
    write: (stream, chunk) => append(stream, cutters[stream].cut(chunk)),
    end() {
      for (const stream of ['stdout', 'stderr'] as const) append(stream, cutters[stream].rest());
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

/**
 * RFC 3339 with nine digits. No two lines of a run have the same time, so that a reader who resumes after a line can
 * tell it from the next; the clock itself only knows milliseconds.
 */
function createLineClock(): () => string {
  let millisecond = 0;
  let within = 0;
  let prefix = '';
  return () => {
    const now = Date.now();
    if (now > millisecond || within >= 999_999) {
      millisecond = Math.max(now, millisecond + 1);
      within = 0;
      prefix = new Date(millisecond).toISOString().slice(0, -1);
    } else within += 1;
    return `${prefix}${String(within).padStart(6, '0')}Z`;
  };
}

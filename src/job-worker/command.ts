import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { deepestResult, isNestedWithin, largestResult, longestMessage } from '../core/report-limits.ts';
import type { Environment } from './callback.ts';
import { createLineReader, createTail, findMark } from './output-lines.ts';
import { exitCodeOf, signalOf } from './stop-signal.ts';
import { cutText, processing } from './words.ts';
import type { Outcome, Words } from './words.ts';

type Command = {
  file: string;
  args: readonly string[];
  env: Environment;
  heartbeatMs: number;
  /** Aborted with the name of the signal that the child is to get. */
  stop: AbortSignal;
  stdout: Writable;
  stderr: Writable;
  tell: (words: Words) => void;
  complain: (sentence: string) => void;
};

type Child = ChildProcessByStdio<null, Readable, Readable>;

const tailBytes = 2048;
const tailLines = 10;

/** A marked line may spell its JSON with more bytes than the result has. */
const longestLine = 2 * largestResult;

/** A grandchild may hold the pipes for ever; what the child itself wrote is read long before that. */
const drainMs = 2000;

/**
 * Runs a command to its end, passes its output through byte for byte, and says how it goes. The exit code is the child's,
 * 128+n for a signal, and 127 or 126 for a command that cannot be started, as a shell has it. Never rejects.
 */
export async function runCommand(command: Command): Promise<Outcome> {
  let child: Child;
  try {
    child = await start(command);
  } catch (error) {
    const outcome = toNotStarted(command.file, error);
    command.complain(outcome.message);
    return outcome;
  }
  const ended = new Promise<Outcome>((resolve) => {
    child.once('exit', (code, signal) => resolve(toOutcome(code, signal)));
  });
  // Without a listener a signal that cannot be delivered would end the worker itself.
  child.on('error', (error) => command.complain(`${command.file}: ${error.message}.`));

  const stop = (): void => void child.kill(signalOf(command.stop));
  if (command.stop.aborted) stop();
  else command.stop.addEventListener('abort', stop, { once: true });

  const speech = listen(command);
  const tail = createTail(tailBytes);
  const drained = Promise.all([
    passThrough(child.stdout, command.stdout, speech.take),
    passThrough(child.stderr, command.stderr, tail.take),
  ]);
  const outcome = await ended;
  await Promise.race([drained, sleep(drainMs, undefined, { ref: false })]);
  command.stop.removeEventListener('abort', stop);
  return { ...outcome, ...speech.end(), message: withTail(outcome.message, tail.lines(tailLines)) };
}

async function start({ file, args, env }: Command): Promise<Child> {
  // The cache is the worker's own: a command that happens to be Node would fill it with its code.
  const child = spawn(file, args, {
    env: { ...env, NODE_COMPILE_CACHE: undefined },
    stdio: ['inherit', 'pipe', 'pipe'],
  });
  await once(child, 'spawn');
  return child;
}

/**
 * The reader's pace is the child's: a full pipe behind us fills the child's in turn. Where our reader is gone the
 * child's pipe is closed, as it would be without us.
 */
async function passThrough(from: Readable, to: Writable, watch: (chunk: Buffer) => void): Promise<void> {
  async function* watched(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      watch(chunk);
      yield chunk;
    }
  }
  await pipeline(from, watched, to, { end: false }).catch(() => undefined);
}

/** Turns the marked lines of standard output into words, and repeats the last ones as a heartbeat. */
function listen({ heartbeatMs, tell, complain }: Command): {
  take: (chunk: Buffer) => void;
  end: () => Pick<Words, 'progress' | 'result'>;
} {
  let words = processing(null);
  let result: unknown;

  const reader = createLineReader(longestLine, (line, whole) => {
    const mark = findMark(line);
    if (mark?.kind === 'progress') {
      words = processing(mark.progress, mark.message === null ? null : cutText(mark.message, longestMessage));
      tell(words);
    } else if (mark?.kind === 'result') {
      if (whole && fitsReport(mark.result)) result = mark.result;
      else complain(`A result of more than 64 KiB or ${deepestResult} levels is left out.`);
    }
  });
  const heartbeat = setInterval(() => tell({ ...words }), heartbeatMs);

  return {
    take: reader.take,
    end: () => {
      clearInterval(heartbeat);
      reader.end();
      return { progress: words.progress, ...(result !== undefined && { result }) };
    },
  };
}

/** JSON can be nested so deep that it can be read and not written: with it no report would ever leave. */
function fitsReport(result: unknown): boolean {
  return isNestedWithin(result, deepestResult) && Buffer.byteLength(JSON.stringify(result)) <= largestResult;
}

function toOutcome(code: number | null, signal: NodeJS.Signals | null): Outcome {
  if (signal !== null) {
    const exitCode = exitCodeOf(signal);
    return { status: 'ERROR', message: `Killed by ${signal} (exit code ${exitCode}).`, exitCode };
  }
  return code === 0
    ? { status: 'SUCCESS', message: null, exitCode: 0 }
    : { status: 'ERROR', message: `Exit code ${code}.`, exitCode: code ?? 1 };
}

function withTail(message: string | null, tail: string): string | null {
  return message === null || tail === '' ? message : `${message}\n${tail}`;
}

function toNotStarted(file: string, error: unknown): Outcome & { message: string } {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT') return { status: 'ERROR', message: `${file}: command not found.`, exitCode: 127 };
  const why =
    code === 'EACCES' ? 'permission denied' : error instanceof Error ? error.message : String(error);
  return { status: 'ERROR', message: `${file} cannot be started: ${why}.`, exitCode: 126 };
}

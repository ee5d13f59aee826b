import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { codeOf } from '../faults.ts';
import type { OutputPipes, PipeStock } from './pipe-stock.ts';
import { killSession, sendSignal } from './session.ts';

export type ContainerCommand = { argv: string[]; env: Record<string, string>; cwd: string };

export type ContainerProcess = {
  pid: number;
  /** Resolves when the main process has ended, the rest of its session is dead, and all output has been handed on. */
  ended: Promise<{ exitCode: number; finishedAt: Date }>;
  /** SIGTERM to the main process alone, as a container runtime does. */
  terminate: () => void;
  /** SIGKILL to the whole session. */
  kill: () => void;
};

export type ProcessSurroundings = {
  /** Where those for the output come from. */
  pipes: PipeStock;
  /** The chunk is lent for the time of the call. */
  onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
  /** Called before the first instruction of the command; when it throws, the command never runs. */
  record: (pid: number) => void;
};

/** As containerd words the refusal of runc to start a command. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

// The command must not run before it is on record, so a shell waits for a byte on descriptor 3 and then becomes the
// command. If the cluster dies in between, the descriptor closes and the shell goes away by itself.
const gateScript = `
read -r _ <&3 || exit 125
unset -v PWD OLDPWD SHLVL _
exec 3>&-
exec "$@"`;

/** Names that a shell cannot pass on, or changes on the way. */
const shellName = /^(?!(?:IFS|LINENO|OLDPWD|OPTIND|PPID|PWD|SHLVL|PS[1-4]|_|BASH.*)$)[A-Za-z_]\w*$/;

function toGateArguments({ argv, env }: ContainerCommand): { env: Record<string, string>; argv: string[] } {
  const entries = Object.entries(env);
  const awkward = entries.filter(([name]) => !shellName.test(name));
  if (awkward.length === 0) return { env, argv };
  return {
    env: Object.fromEntries(entries.filter(([name]) => shellName.test(name))),
    argv: ['/usr/bin/env', ...awkward.map(([name, value]) => `${name}=${value}`), ...argv],
  };
}

const drainMs = 1000;

/**
 * Starts the command in a session of its own, with nothing of this process's environment, and resolves when it runs.
 * Throws StartError when it cannot be started.
 */
export async function startProcess(
  command: ContainerCommand,
  { pipes, onOutput, record }: ProcessSurroundings,
): Promise<ContainerProcess> {
  const { readers, writers } = await pipes.take();
  const gate = await openGate(command, writers).catch((error: unknown) => {
    close(readers);
    throw error;
  });
  const { child, pid, descriptor } = gate;
  try {
    record(pid);
  } catch (error) {
    killSession(pid);
    close(readers);
    throw error;
  }
  const outputs = [listen(readers.stdout, 'stdout', onOutput), listen(readers.stderr, 'stderr', onOutput)];
  const drained = Promise.all(
    outputs.map((output) => new Promise((resolve) => output.once('close', resolve))),
  );

  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  async function untilEnded(): Promise<{ exitCode: number; finishedAt: Date }> {
    const exitCode = await exited;
    const finishedAt = new Date();
    killSession(pid);
    // A process that left the session may hold the pipes for ever.
    const giveUp = setTimeout(() => outputs.forEach((output) => output.destroy()), drainMs);
    await drained;
    clearTimeout(giveUp);
    return { exitCode, finishedAt };
  }
  const ended = untilEnded();
  descriptor.end('\n');
  return { pid, ended, terminate: () => sendSignal(pid, 'SIGTERM'), kill: () => killSession(pid) };
}

type Gate = { child: ChildProcess; pid: number; descriptor: Socket };

/** A shell that waits for its byte. The writers are its own from now on. */
async function openGate(
  command: ContainerCommand,
  { stdout, stderr }: OutputPipes['writers'],
): Promise<Gate> {
  const { env, argv } = toGateArguments(command);
  try {
    const child = spawn('/bin/sh', ['-c', gateScript, 'sh', ...argv], {
      cwd: command.cwd,
      env,
      detached: true,
      stdio: ['ignore', stdout, stderr, 'pipe'],
    });
    const descriptor = child.stdio[3];
    // The shell may die before it reads its byte; its exit tells.
    descriptor?.on('error', () => {});
    if (descriptor instanceof Socket && child.pid !== undefined) return { child, pid: child.pid, descriptor };
    return await new Promise<never>((_resolve, reject) => child.once('error', reject));
  } catch (error) {
    throw new StartError(`exec: ${JSON.stringify(command.argv[0])}: ${explain(error)}`);
  } finally {
    close({ stdout, stderr });
  }
}

function close(ends: { stdout: number; stderr: number }): void {
  closeSync(ends.stdout);
  closeSync(ends.stderr);
}

function explain(error: unknown): string {
  const code = codeOf(error);
  if (code === 'E2BIG') return 'argument list too long';
  if (code === 'EAGAIN') return 'resource temporarily unavailable';
  return String(error);
}

/** What a pipe holds at the most. */
const chunkBytes = 64 * 1024;

/**
 * Reads a pipe into one buffer that is lent to `onOutput`: one for each chunk would stay as memory long after a chatty
 * process. It reads no further before the event loop has come round, so that such a process waits and nobody else does.
 */
function listen(
  reader: number,
  stream: 'stdout' | 'stderr',
  onOutput: ProcessSurroundings['onOutput'],
): Socket {
  const output = new Socket({
    fd: reader,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(chunkBytes),
      callback(size, buffer) {
        onOutput(stream, Buffer.from(buffer.buffer, buffer.byteOffset, size));
        setImmediate(() => output.resume());
        return false;
      },
    },
  });
  // A pipe that breaks is at its end; the exit of the process says the rest.
  output.on('error', () => {});
  output.resume();
  return output;
}

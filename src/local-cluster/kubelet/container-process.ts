import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants as osConstants } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../faults.ts';
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
  /** Where the two named pipes are made for the time of the run. */
  directory: string;
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
// command. If the cluster dies in between, the descriptor closes and the shell goes away by itself. Output goes through
// named pipes, since what Node gives a child are sockets, which cannot be opened again as /dev/stdout. The shell holds
// both ends of them until the cluster reads, so that neither side blocks or sees an end too early.
const gate = `
command -p mkfifo -m 600 "$1" "$2" && exec 4<>"$1" 5<>"$2" && echo >&3 && read -r _ <&3 || exit 125
unset -v PWD OLDPWD SHLVL _
exec 3>&- >"$1" 2>"$2" 4>&- 5>&-
shift 2
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
  { directory, onOutput, record }: ProcessSurroundings,
): Promise<ContainerProcess> {
  const pipes = { stdout: join(directory, 'stdout'), stderr: join(directory, 'stderr') };
  const removePipes = () => Object.values(pipes).forEach((path) => rmSync(path, { force: true }));
  removePipes();
  const { child, pid, descriptor } = await openGate(command, [pipes.stdout, pipes.stderr]);
  const outputs: Socket[] = [];
  try {
    record(pid);
    for (const stream of ['stdout', 'stderr'] as const) outputs.push(listen(pipes[stream], stream, onOutput));
  } catch (error) {
    killSession(pid);
    outputs.forEach((output) => output.destroy());
    removePipes();
    throw error;
  }
  const drained = Promise.all(
    outputs.map((output) => new Promise((resolve) => output.once('close', resolve))),
  );

  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? osConstants.signals[signal] : 0)));
  });
  async function untilEnded(): Promise<{ exitCode: number; finishedAt: Date }> {
    const exitCode = await exited;
    const finishedAt = new Date();
    killSession(pid);
    // A process that left the session may hold the pipes for ever.
    const giveUp = setTimeout(() => outputs.forEach((output) => output.destroy()), drainMs);
    await drained;
    clearTimeout(giveUp);
    removePipes();
    return { exitCode, finishedAt };
  }
  const ended = untilEnded();
  descriptor.end('\n');
  return { pid, ended, terminate: () => sendSignal(pid, 'SIGTERM'), kill: () => killSession(pid) };
}

type Gate = { child: ChildProcess; pid: number; descriptor: Socket };

/** Resolves when the shell waits for its byte. */
function openGate(command: ContainerCommand, pipes: string[]): Promise<Gate> {
  const { env, argv } = toGateArguments(command);
  return new Promise((resolve, reject) => {
    const refuse = (why: string) =>
      reject(new StartError(`exec: ${JSON.stringify(command.argv[0])}: ${why}`));
    let child: ChildProcess;
    try {
      child = spawn('/bin/sh', ['-c', gate, 'sh', ...pipes, ...argv], {
        cwd: command.cwd,
        env,
        detached: true,
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      });
    } catch (error) {
      refuse(explain(error));
      return;
    }
    const descriptor = child.stdio[3];
    child.once('error', (error) => refuse(explain(error)));
    child.once('exit', () => refuse('the shell that starts it ended early'));
    if (!(descriptor instanceof Socket) || child.pid === undefined) return;
    const { pid } = child;
    // The shell may die before it reads its byte; its exit tells.
    descriptor.on('error', () => {});
    descriptor.once('data', () => resolve({ child, pid, descriptor }));
  });
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
  path: string,
  stream: 'stdout' | 'stderr',
  onOutput: ProcessSurroundings['onOutput'],
): Socket {
  const output = new Socket({
    fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
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

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { launchers } from './machine.ts';
import { startEnv } from './timed-service.ts';

/** Runs a program of this directory to its end: it takes its order as JSON on stdin. What it says. */
export async function runProgram(
  program: string,
  { order, launcher }: { order: unknown; launcher: readonly string[] },
): Promise<string> {
  const [command, ...args] = [...launcher, process.execPath, program];
  const env = { ...process.env, ...startEnv };
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  // One that ended before it had read its order is told by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(order));
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`${program} broke off`);
  return said;
}

/** The same on the core of the load, for one that answers as JSON. */
export async function runLoadProgram(program: string, order: unknown): Promise<unknown> {
  return JSON.parse(await runProgram(program, { order, launcher: launchers.load }));
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { launchers } from './machine.ts';

/** Runs a program of this directory to its end on the core of the load: it takes its order as JSON, and answers as JSON. */
export async function runLoadProgram(program: string, order: unknown): Promise<unknown> {
  const [command, ...args] = [...launchers.load, process.execPath, program];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(order));
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`${program} broke off`);
  return JSON.parse(said);
}

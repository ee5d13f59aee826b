import type { V1Container } from '@kubernetes/client-node';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Wire } from '../objects.ts';
import type { LogPlace } from './log-reader.ts';
import { readContainerLog } from './log-reader.ts';

const messageBytes = 4096;
const fallbackBytes = 2048;
const fallbackLines = 80;

/**
 * What a container had to say at its end: the end of its message file, or with FallbackToLogsOnError and an empty file
 * the end of its log. Undefined when that is nothing.
 */
export async function readTerminationMessage(
  container: Wire<V1Container>,
  { exitCode, file, log }: { exitCode: number; file: string; log: LogPlace },
): Promise<string | undefined> {
  const message = readEnd(file);
  if (message.length > 0) return message.toString();
  if (container.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return undefined;
  const lines: Buffer[] = [];
  const never = new AbortController().signal;
  for await (const chunk of readContainerLog(log, { tailLines: fallbackLines }, never)) lines.push(chunk);
  const tail = Buffer.concat(lines).subarray(-fallbackBytes).toString();
  return tail === '' ? undefined : tail;
}

/** Nothing of what is no file: a container may have put anything in its place, and to open a pipe would wait for who writes to it. */
function readEnd(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return Buffer.alloc(0);
    const length = Math.min(stats.size, messageBytes);
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, stats.size - length));
  } finally {
    closeSync(file);
  }
}

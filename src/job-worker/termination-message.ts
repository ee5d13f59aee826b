import { writeFile } from 'node:fs/promises';
import { longestTerminationMessage } from '../core/report-limits.ts';
import type { Environment } from './callback.ts';
import { cutText } from './words.ts';
import type { Outcome } from './words.ts';

/** The outcome as one line of JSON that fits: first without its result, then with a shorter message. */
export function toTerminationMessage({ status, message, result }: Outcome): string {
  const whole = JSON.stringify({ status, message, result });
  if (fits(whole)) return whole;
  const text = message ?? '';
  let shortest = 0;
  let tooLong = text.length + 1;
  while (tooLong - shortest > 1) {
    const length = Math.floor((shortest + tooLong) / 2);
    if (fits(JSON.stringify({ status, message: cutText(text, length) }))) shortest = length;
    else tooLong = length;
  }
  return JSON.stringify({ status, message: message === null ? null : cutText(text, shortest) });
}

function fits(line: string): boolean {
  return Buffer.byteLength(line) <= longestTerminationMessage;
}

/**
 * Leaves the outcome where Kubernetes looks for it, for the case that no report gets through. The local cluster names the
 * file; elsewhere it is the default one, which is never created: outside a container it is nobody's.
 */
export async function keepTerminationMessage(env: Environment, outcome: Outcome): Promise<void> {
  const named = env['KUBERNETES_TERMINATION_MESSAGE_PATH'];
  const [path, flag] = named ? [named, 'w'] : ['/dev/termination-log', 'r+'];
  await writeFile(path, toTerminationMessage(outcome), { flag }).catch(() => undefined);
}

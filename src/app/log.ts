import { pino } from 'pino';
import type { Logger } from 'pino';

/** JSON lines on stderr: stdout belongs to the few words that a person at the terminal is meant to read. */
export function createLog(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

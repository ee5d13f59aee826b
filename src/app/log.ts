import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** JSON lines on stderr: stdout belongs to the few words that a person at the terminal is meant to read. */
const stderr = () => pino.destination({ dest: 2, sync: true });

const headers = ['authorization', 'cookie', '["set-cookie"]'];
const paths = headers.flatMap((name) => [name, `headers.${name}`, `*.headers.${name}`]);
const redacted = '[redacted]';

/** In whatever text they stand, such as an address that an error quotes: the token of a query, and what follows `Bearer`. */
const credentials = /([?&]token=|\bBearer )[^&"'\\\s]+/gi;

/** Nothing that opens a door is written down, by whomever it was logged, and wherever it stands in a line. */
export function createLog(level: string, destination: DestinationStream = stderr()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: paths.map((path) => path.replaceAll('.[', '[')), censor: redacted },
      hooks: { streamWrite: (line) => line.replaceAll(credentials, `$1${redacted}`) },
    },
    destination,
  );
}

import { parseArgs, types } from 'node:util';
import ms from 'ms';

export const usage = `Usage: job-worker [simulate] [--duration 10s] [--error-rate 0.1] [--api-end-point URL] [--job-id ID]
       job-worker exec [--heartbeat 15s] [--api-end-point URL] [--job-id ID] -- COMMAND [ARGUMENT...]
Without --api-end-point and --job-id the reports go to JOBSPAWN_STATUS_URL for JOBSPAWN_JOB_ID.
The command of exec may speak in lines of its standard output:
       JOBSPAWN_PROGRESS 40 optional text
       JOBSPAWN_RESULT {"any": "json"}
`;

type Addressee = { endPoint: URL | null; jobId: string | null };

export type Order =
  | ({ work: 'simulate'; durationMs: number; errorRate: number } & Addressee)
  | ({ work: 'exec'; heartbeatMs: number; file: string; args: string[] } & Addressee)
  | { work: 'help' };

/** The command line cannot be obeyed; the message is one sentence for the person who wrote it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const addresseeFlags = {
  'api-end-point': { type: 'string' },
  'job-id': { type: 'string' },
  help: { type: 'boolean' },
} as const;

/**
 * What to do, from the arguments after the program's name. Without a subcommand it is `simulate`, so that the flags of the
 * sample's jobs work unchanged. @throws UsageError
 */
export function parseCommandLine(argv: readonly string[]): Order {
  const [first = '', ...others] = argv;
  if (first === '' || first.startsWith('-')) return parseSimulate([...argv]);
  if (first === 'simulate') return parseSimulate(others);
  if (first === 'exec') return parseExec(others);
  throw new UsageError(`There is no subcommand "${first}", only simulate and exec.`);
}

function parseSimulate(args: string[]): Order {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args,
      options: { ...addresseeFlags, duration: { type: 'string' }, 'error-rate': { type: 'string' } },
      allowPositionals: true,
    }),
  );
  if (values.help) return { work: 'help' };
  if (positionals.length > 0) throw new UsageError(`simulate takes no argument "${positionals[0]}".`);
  return {
    work: 'simulate',
    durationMs: toDuration('--duration', values.duration ?? '10s'),
    errorRate: toRate('--error-rate', values['error-rate'] ?? '0.1'),
    ...toAddressee(values),
  };
}

function parseExec(args: string[]): Order {
  const divider = args.indexOf('--');
  const flags = divider === -1 ? args : args.slice(0, divider);
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: flags,
      options: { ...addresseeFlags, heartbeat: { type: 'string' } },
      allowPositionals: true,
    }),
  );
  if (values.help) return { work: 'help' };
  if (positionals.length > 0)
    throw new UsageError(`exec takes its command after "--": exec -- ${positionals[0]} ...`);
  const [file = '', ...rest] = divider === -1 ? [] : args.slice(divider + 1);
  if (file === '') throw new UsageError('exec needs a command after "--".');
  const heartbeatMs = toDuration('--heartbeat', values.heartbeat ?? '15s');
  if (heartbeatMs < 100) throw new UsageError('--heartbeat must be at least 100ms.');
  return { work: 'exec', heartbeatMs, file, args: rest, ...toAddressee(values) };
}

/** The first sentence of Node's own complaint is the clear one; what follows it is advice about positionals. */
function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!types.isNativeError(error)) throw error;
    const sentence = error.message.split(/\.?\s*\n|\. /)[0] ?? error.message;
    throw new UsageError(`${sentence}.`, { cause: error });
  }
}

function toAddressee(values: { 'api-end-point'?: string; 'job-id'?: string }): Addressee {
  const { 'api-end-point': text, 'job-id': jobId = null } = values;
  if (jobId === '') throw new UsageError('--job-id must not be empty.');
  const endPoint = text === undefined ? null : URL.parse(text);
  if (text !== undefined && (endPoint === null || !isHttp(endPoint))) {
    throw new UsageError(`--api-end-point must be an http or https URL, not "${text}".`);
  }
  return { endPoint, jobId };
}

export function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:';
}

/** Node's timers take at most 2^31-1 ms; a longer wait would be over at once. */
const longestDuration = '24d';

function toDuration(flag: string, text: string): number {
  const duration = isDuration(text) ? ms(text) : Number.NaN;
  if (!(duration <= ms(longestDuration))) {
    throw new UsageError(
      `${flag} must be a duration of at most ${longestDuration} such as 500ms, 10s or 2m, not "${text}".`,
    );
  }
  return duration;
}

function isDuration(text: string): text is ms.StringValue {
  return /^\d{1,10}(\.\d{1,3})?(ms|s|m|h|d)$/.test(text);
}

function toRate(flag: string, text: string): number {
  const rate = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(rate >= 0 && rate <= 1)) throw new UsageError(`${flag} must be a number from 0 to 1, not "${text}".`);
  return rate;
}

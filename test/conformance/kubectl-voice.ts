import { spawn } from 'node:child_process';
import type { ApiAnswer, ApiRequest } from './api-client.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { parseJson, type Json } from './json.ts';
import type { RecordedAnswer } from './recording.ts';
import { openKubectl } from './kubectl-program.ts';
import { toKubectlWords } from './kubectl-words.ts';
import { readTarget, type Voice } from './voice.ts';

const rawVerbs: Record<string, string> = { GET: 'get', POST: 'create', PUT: 'replace', DELETE: 'delete' };
const patchTypes: Record<string, string> = {
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/json-patch+json': 'json',
};

/**
 * Speaks as kubectl does: `get`, `create`, `replace` and `delete --raw` for a path as it is, and `patch`. It tells
 * the status at verbosity 6, warnings, the body of a success, and of a refusal the words that a person reads.
 */
export async function openKubectlVoice(
  cluster: Pick<ClusterUnderTest, 'config' | 'kubectlArguments'>,
): Promise<Voice> {
  const { flags, env, ...program } = await openKubectl(cluster);
  // With --raw kubectl leaves out the path that the server's address ends in.
  const prefix = new URL(cluster.config.getCurrentCluster()?.server ?? '').pathname.replace(/\/$/, '');

  function start(
    request: ApiRequest,
    onPiece: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<Printed> {
    const words = toCommand(request, prefix);
    if (!words) throw new Error(`kubectl cannot say ${request.method} ${request.path}`);
    return new Promise((resolve, reject) => {
      const child = spawn('kubectl', [...flags, '-v=6', ...words], { env, signal, killSignal: 'SIGKILL' });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        onPiece(text);
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      // An interrupt is what was asked for; `close` tells of the end in any case.
      child.on('error', (error) => (signal?.aborted ? undefined : reject(error)));
      child.on('close', (code) => resolve({ stdout, stderr, isRefused: code !== 0 && !signal?.aborted }));
      child.stdin.on('error', () => undefined).end(payloadOf(request));
    });
  }

  return {
    name: 'kubectl',
    send: async (request) => readAnswer(await start(request, () => undefined)),
    async stream(request, onPiece, signal) {
      const openedAt = Date.now();
      const since = () => Date.now() - openedAt;
      const printed = await start(request, (text) => onPiece({ ms: since(), text }), signal);
      const closedBy = signal.aborted ? 'client' : 'server';
      return { ...readAnswer(printed), closedBy, closedAfterMs: since() };
    },
    canPlay: async (request, recorded) => canPlayByKubectl(request, recorded),
    async hear(_request, recorded) {
      const { status, headers = {}, body, events } = recorded;
      const warnings = Object.entries(headers).filter(([name]) => name === 'warning');
      const told = { ...recorded, headers: Object.fromEntries(warnings) };
      if (status < 300 || events) return told;
      const words = toKubectlWords(body ?? null);
      return { ...told, body: words === undefined ? undefined : inOrder(words) };
    },
    close: () => program.close(),
  };
}

type Printed = { stdout: string; stderr: string; isRefused: boolean };

const payloadOf = ({ body, rawBody }: ApiRequest): string | undefined =>
  rawBody ?? (body === undefined ? undefined : JSON.stringify(body));

/** When it is told to, kubectl asks again and again by itself, ten times before it tells of it. */
export const canPlayByKubectl = (request: ApiRequest, { headers }: RecordedAnswer): boolean =>
  toCommand(request, '') !== undefined && headers?.['retry-after'] === undefined;

/** The words after `kubectl` that make just this request, or undefined where there are none. */
function toCommand(request: ApiRequest, prefix: string): string[] | undefined {
  const {
    accept = defaultAccept,
    'content-type': type = 'application/json',
    ...others
  } = request.headers ?? {};
  if (accept !== defaultAccept || Object.keys(others).length > 0) return undefined;
  if (request.method === 'PATCH') return toPatch(request, type);
  const verb = rawVerbs[request.method];
  if (verb === undefined || type !== 'application/json') return undefined;
  const hasInput = verb !== 'get' && (payloadOf(request) !== undefined || verb !== 'delete');
  return [verb, '--raw', prefix + request.path, ...(hasInput ? ['-f', '-'] : [])];
}

const defaultAccept = 'application/json, */*';

function toPatch({ path, body, rawBody }: ApiRequest, contentType: string): string[] | undefined {
  const target = readTarget(path);
  const type = patchTypes[contentType];
  const place = /^\/apis\/batch\/v1\/namespaces\/([^/]+)\/jobs\/([^/]+)(\/status)?$/.exec(
    target?.pathname ?? '',
  );
  if (!target || !place || type === undefined || rawBody !== undefined) return undefined;
  const { dryRun, ...others } = target.query;
  if (Object.keys(others).length > 0 || (dryRun !== undefined && dryRun !== 'All')) return undefined;
  const [, namespace = '', name = '', isStatus] = place;
  const words = ['patch', 'job', name, '--namespace', namespace, '--type', type, '--output', 'json'];
  if (isStatus !== undefined) words.push('--subresource', 'status');
  if (dryRun !== undefined) words.push('--dry-run=server');
  return [...words, '--patch', JSON.stringify(body)];
}

/**
 * The last request is the one that was asked for: before a patch kubectl reads what it needs to know. After a refusal
 * it may look for the namespace.
 */
function readAnswer({ stdout, stderr, isRefused }: Printed): ApiAnswer {
  const round = / (\d{3}) [A-Za-z -]+ in \d+ milliseconds$|status="(\d{3}) /gm;
  const statuses = [...stderr.matchAll(round)].map(([, plain, structured]) => Number(plain ?? structured));
  const status = statuses.findLast((number) => !isRefused || number >= 400) ?? 0;
  if (status === 0 && isRefused) throw new Error(`kubectl was not answered: ${stderr}`);
  const warnings = [...stderr.matchAll(/^Warning: (.*)$/gm)].map(
    ([, text]) => `299 - ${JSON.stringify(text)}`,
  );
  const headers: Record<string, string> = warnings.length > 0 ? { warning: warnings.join(', ') } : {};
  if (isRefused) {
    const words = inOrder(/^(Error from server|error: |The .* is invalid)[^]*/m.exec(stderr)?.[0] ?? stderr);
    return { status, headers, body: words, raw: words };
  }
  return { status, headers, body: parseBody(stdout), raw: stdout };
}

/** Causes about the entries of one map come in the map's order, which is chance. */
const inOrder = (words: string): string => words.trimEnd().split('\n').toSorted().join('\n');

function parseBody(text: string): Json {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

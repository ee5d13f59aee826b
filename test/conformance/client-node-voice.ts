import { isDeepStrictEqual } from 'node:util';
import { ApiException, Watch, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { ApiAnswer, ApiRequest } from './api-client.ts';
import { findCall, type MakeApi, type TypedCall } from './client-node-calls.ts';
import { isObject, parseJson, textAt, type Json } from './json.ts';
import type { RecordedAnswer } from './recording.ts';
import { scriptedApi, type SentRequest } from './scripted-api.ts';
import { readTarget, type Target, type Voice } from './voice.ts';

/**
 * Speaks as a program does that uses the library: typed calls, ApiException, Watch. The library reads an answer in its
 * own way: fields that it does not know are dropped, times become Dates, a delete is always answered by a Status. So
 * it is given the recorded answer to read as well, and what it makes of both is compared.
 */
export function createClientNodeVoice(config: KubeConfig): Voice {
  const watch = new Watch(config);
  const make: MakeApi = (api) => config.makeApiClient(api);

  return {
    name: 'client-node',

    async send(request) {
      const call = findCall(request);
      if (!call) throw new Error(`client-node has no call for ${request.method} ${request.path}`);
      return readAnswer(call, make);
    },

    async stream(request, onPiece, signal) {
      const target = readWatch(request);
      if (!target) throw new Error(`client-node cannot watch ${request.path}`);
      const openedAt = Date.now();
      let raw = '';
      const onEvent = (event: unknown) => {
        const text = `${JSON.stringify(event)}\n`;
        const version = textAt(parseJson(text), 'object', 'metadata', 'resourceVersion');
        if (version) target.query['resourceVersion'] = version;
        raw += text;
        onPiece({ ms: Date.now() - openedAt, text });
      };
      let status = await watchOnce(watch, target, onEvent, signal);
      // After a silence the library gives up, and whoever uses it has to go on from the last version.
      while (status === 'silent') status = await watchOnce(watch, target, onEvent, signal);
      const closedBy = signal.aborted ? 'client' : 'server';
      return { status, headers: {}, body: raw, raw, closedBy, closedAfterMs: Date.now() - openedAt };
    },

    async canPlay(request, recorded) {
      if (readWatch(request)) return longestSilence(recorded) < givenUpAfterMs;
      return saysTheSame(request);
    },

    async hear(request, recorded) {
      const { status, headers = {}, body } = recorded;
      // A refused watch is an Error with nothing but the number.
      if (readWatch(request)) return recorded.events ? recorded : { status };
      const call = findCall(request);
      if (!call || body === undefined || body === null) return recorded;
      const isText = typeof body === 'string';
      const type = { 'content-type': isText ? 'text/plain' : 'application/json', ...headers };
      const answer = { status, headers: type, text: isText ? body : JSON.stringify(body) };
      const heard = await readAnswer(
        call,
        scriptedApi(() => answer),
      );
      return { ...recorded, body: isText ? heard.raw : heard.body };
    },

    close: async () => undefined,
  };
}

async function readAnswer(call: TypedCall, make: MakeApi): Promise<ApiAnswer> {
  try {
    const { httpStatusCode, headers, data } = await call(make);
    return { status: httpStatusCode, headers, ...toBody(data) };
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const body: unknown = error.body;
    return { status: error.code, headers: error.headers, ...toBody(body) };
  }
}

/** Texts as they are; objects of the library's classes as the JSON that they stand for. */
function toBody(data: unknown): { body: Json; raw: string } {
  if (typeof data !== 'string') {
    const body = restore(parseJson(JSON.stringify(data ?? null)));
    return { body, raw: JSON.stringify(body) };
  }
  try {
    return { body: parseJson(data), raw: data };
  } catch {
    return { body: data, raw: data };
  }
}

/** Words of the language get a `_` in front in the library's classes, and a Date always tells milliseconds. */
function restore(value: Json): Json {
  if (typeof value === 'string') return value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.000Z$/, '$1Z');
  if (Array.isArray(value)) return value.map(restore);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replace(/^_/, ''), restore(item)]),
  );
}

/** Where to watch, without `watch=true`, which the library adds; undefined when the request is no such watch. */
function readWatch({ method, path, headers = {} }: ApiRequest): Target | undefined {
  const target = readTarget(path);
  if (!target || method !== 'GET' || Object.keys(headers).length > 0) return undefined;
  const { watch, ...query } = target.query;
  return watch === 'true' ? { pathname: target.pathname, query } : undefined;
}

/** The library takes a watch that is silent for so long for broken. */
const givenUpAfterMs = 30_000;

function longestSilence({ events = [], closedAfterMs = 0 }: RecordedAnswer): number {
  const moments = [0, ...events.map(({ ms }) => ms), closedAfterMs];
  return Math.max(...moments.map((moment, index) => moment - (moments[index - 1] ?? 0)));
}

/** Nothing at a clean end. Else an error, which under jest is no instance of the Error that is known here. */
const endSchema = z.looseObject({ name: z.string().optional(), statusCode: z.number().optional() });

/** One watch of the library, up to its end: the status, or `silent` when the library has given up. */
async function watchOnce(
  watch: Watch,
  { pathname, query }: Target,
  onEvent: (event: unknown) => void,
  signal: AbortSignal,
): Promise<number | 'silent'> {
  const ended = Promise.withResolvers<unknown>();
  const onEach = (_type: string, _object: unknown, event: unknown) => onEvent(event);
  const controller = await watch.watch(pathname, query, onEach, (error: unknown) => ended.resolve(error));
  const abort = () => controller.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const error = await ended.promise;
  signal.removeEventListener('abort', abort);
  const { name, statusCode } = endSchema.parse(error ?? {});
  if (signal.aborted || name === undefined) return 200;
  if (name === 'TimeoutError') return 'silent';
  if (statusCode === undefined) throw error;
  return statusCode;
}

/** Whether the library's call asks for just what the request does: it sends no field that it does not know. */
async function saysTheSame(request: ApiRequest): Promise<boolean> {
  const call = findCall(request);
  const { accept, 'content-type': type = 'application/json', ...others } = request.headers ?? {};
  if (!call || accept !== undefined || Object.keys(others).length > 0) return false;
  const sent: SentRequest[] = [];
  const make = scriptedApi((outgoing) => {
    sent.push(outgoing);
    return { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' };
  });
  // A body that the library stumbles over is never sent; what it makes of this answer is of no interest.
  await call(make).catch(() => undefined);
  const [only] = sent;
  if (!only || only.method !== request.method) return false;
  const [wanted, own] = [readTarget(request.path), readTarget(only.path)];
  const isSameBody = isDeepStrictEqual(only.body, request.body);
  return (
    own?.pathname.replace(/\/$/, '') === wanted?.pathname.replace(/\/$/, '') &&
    isDeepStrictEqual(own?.query, wanted?.query) &&
    isSameBody &&
    (request.body === undefined || only.contentType === type)
  );
}

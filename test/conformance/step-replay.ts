import type { ApiAnswer, ApiRequest } from './api-client.ts';
import { compareValues, mask } from './comparison.ts';
import { dig, parseJson, textAt, type Json } from './json.ts';
import { preparations } from './preparations.ts';
import type { Finding } from './reckoning.ts';
import type { Step, StreamEvent } from './recording.ts';
import { createLineReader } from './stage.ts';
import type { Theatre } from './theatre.ts';

/** A watch that was closed by the recorder after more than a minute is cut here. */
const longestWatchMs = 70_000;
/** How long a quiet watch is watched for something that should not come. */
const silenceMs = 700;

/**
 * Sends one recorded request to the cluster under test and compares the answers. `dueMs`: when the next step was
 * made, counted as Step.ms; a stream that lasted longer is not waited for, and its findings come from `later`.
 */
export async function replayStep(theatre: Theatre, index: number, dueMs: number): Promise<{ later?: Promise<Finding[]>; findings: Finding[] }> {
  const step = theatre.recording.steps[index];
  if (!step?.request || !step.response) return { findings: [] };
  const place = `${theatre.recording.name}#${index}`;
  const request = await translateRequest(theatre, step.request);
  const { events, chunks, closedAfterMs = 0 } = step.response;
  if (!events && !chunks) return { findings: compareAnswer(theatre, place, step, await theatre.client.send(request)) };
  const later = events ? replayWatch(theatre, index, request, step) : replayFollow(theatre, place, request, step);
  const isBackground = chunks !== undefined || step.ms + closedAfterMs > dueMs;
  return isBackground ? { later, findings: [] } : { findings: await later };
}

async function translateRequest(theatre: Theatre, recorded: NonNullable<Step['request']>): Promise<ApiRequest> {
  const { bindings } = theatre;
  const [pathname = '', query] = recorded.path.split('?');
  const pairs = (query ?? '').split('&').map(async (pair) => {
    const [name, value] = pair.split('=');
    if (value === undefined) return pair;
    const plain = decodeURIComponent(value);
    if (name === 'resourceVersion' && /^\d{4,}$/.test(plain) && plain !== '999999999' && !bindings.find(plain)) {
      // The recorder took the list's version of that moment.
      const list = await theatre.client.send({ method: 'GET', path: pathname });
      bindings.relearn(plain, textAt(list.body, 'metadata', 'resourceVersion'));
    }
    const translated = bindings.translate(plain);
    return translated === plain ? pair : `${name}=${encodeURIComponent(translated)}`;
  });
  const path = bindings.translate(pathname) + (query === undefined ? '' : `?${(await Promise.all(pairs)).join('&')}`);
  const { method, headers, body, rawBody } = recorded;
  return { method, path, headers, body: body === undefined ? undefined : bindings.translateAll(body), rawBody };
}

/** Headers that any two servers send differently, or that say nothing about the answer. */
const ownHeaders = new Set(['transfer-encoding', 'date', 'etag', 'content-length', 'cache-control', 'vary']);

function compareAnswer(theatre: Theatre, place: string, step: Step, answer: ApiAnswer): Finding[] {
  const { status, headers = {}, body } = step.response ?? { status: 0 };
  const findings: Finding[] = [];
  if (status !== answer.status) findings.push({ at: `${place} status`, recorded: status, actual: `${answer.status} ${answer.raw}` });
  for (const [name, value] of Object.entries(headers)) {
    if (ownHeaders.has(name)) continue;
    const actual = answer.headers[name] ?? '';
    if (sortParts(mask(theatre.bindings.translate(value))) !== sortParts(mask(actual))) {
      findings.push({ at: `${place} header ${name}`, recorded: value, actual });
    }
  }
  if (status !== answer.status || body === undefined || body === null) return findings;
  // Pretty-printed bodies are kept as text, since their form is what matters.
  const actual = typeof body === 'string' ? answer.raw : Array.isArray(body) ? parseLines(answer.raw) : answer.body;
  const differences = compareValues(body, actual, theatre.bindings, { partial: step.trimmed === true });
  return [...findings, ...differences.map(({ path, ...pair }) => ({ at: `${place} ${path}`, ...pair }))];
}

/** Warnings come in the order of a Go map. */
const sortParts = (header: string): string =>
  header
    .split(/, (?=299 )/)
    .toSorted()
    .join(', ');

const parseLines = (raw: string): Json[] => raw.split('\n').filter(Boolean).map(parseJson);

async function replayWatch(theatre: Theatre, index: number, request: ApiRequest, step: Step): Promise<Finding[]> {
  const place = `${theatre.recording.name}#${index}`;
  const { events = [], closedBy, closedAfterMs = 0, status } = step.response ?? { status: 0 };
  const expected = events.filter(({ ms }) => ms < longestWatchMs);
  const seen: Json[] = [];
  const enough = new AbortController();
  const isDue = () => closedBy === 'client' && seen.length >= expected.length;
  const lines = createLineReader((line) => {
    seen.push(parseJson(line));
    if (isDue() && expected.length > 0) setTimeout(() => enough.abort(), silenceMs);
  });
  const limit = setTimeout(() => enough.abort(), Math.min(closedAfterMs, longestWatchMs) + (expected.length > 0 ? 8_000 : 0));
  const quiet = isDue() ? setTimeout(() => enough.abort(), silenceMs) : undefined;
  const watching = theatre.client.stream(request, ({ text }) => lines.push(text), enough.signal);
  await preparations[theatre.recording.name]?.during?.[index]?.(theatre);
  const answer = await watching.finally(() => {
    clearTimeout(limit);
    clearTimeout(quiet);
  });
  if (answer.status !== status || step.response?.body !== undefined) return compareAnswer(theatre, place, step, answer);
  const findings: Finding[] = [];
  if (closedBy !== answer.closedBy) findings.push({ at: `${place} closed by`, recorded: closedBy, actual: answer.closedBy });
  return [...findings, ...compareStreams(theatre, place, expected, seen)];
}

function compareStreams(theatre: Theatre, place: string, expected: StreamEvent[], seen: Json[]): Finding[] {
  if (dig(expected[0]?.object, 'kind') === 'Table' && expected.length > 5) return compareTables(theatre, place, expected, seen);
  if (expected.length !== seen.length) {
    const told = (events: Json[]) => events.map((event) => `${textAt(event, 'type')} ${textAt(event, 'object', 'metadata', 'name')}`);
    return [{ at: `${place} events`, recorded: told(expected), actual: told(seen) }];
  }
  return expected.flatMap(({ type, object }, index) => {
    const how = { partial: true };
    const differences = compareValues({ type, object }, seen[index], theatre.bindings, how);
    return differences.map(({ path, ...pair }) => ({ at: `${place} event ${index} ${path}`, ...pair }));
  });
}

/** A long Table watch is a person's screen: what each row read, one after the other, without the ages. */
function compareTables(theatre: Theatre, place: string, expected: StreamEvent[], seen: Json[]): Finding[] {
  const read = (events: Json[], translate: (text: string) => string) => {
    const screens: Record<string, Json[]> = {};
    for (const event of events) {
      const cells = dig(event, 'object', 'rows', 0, 'cells');
      const [name = '', ...rest] = Array.isArray(cells) ? cells.map((cell) => translate(String(cell))) : [];
      const line = rest.slice(0, 3).map((cell) => cell.replace(/\b(\d+[dhms])+\b/g, '')).join(' ');
      const screen = (screens[name] ??= []);
      if (screen.at(-1) !== line) screen.push(line);
    }
    return screens;
  };
  const recorded = read(expected, theatre.bindings.translate);
  const actual = read(seen, (text) => text);
  const differences = compareValues(recorded, actual, theatre.bindings, { partial: false });
  return differences.map(({ path, ...pair }) => ({ at: `${place} screen ${path}`, ...pair }));
}

/** A followed log: the same text in the end, and not all of it in one piece. */
async function replayFollow(theatre: Theatre, place: string, request: ApiRequest, step: Step): Promise<Finding[]> {
  const chunks = step.response?.chunks ?? [];
  const times: number[] = [];
  const answer = await theatre.client.stream(request, ({ ms }) => times.push(ms), AbortSignal.timeout(60_000));
  const body = chunks.map(({ data }) => data).join('');
  const findings = compareAnswer(theatre, place, { ...step, response: { status: 200, headers: {}, body } }, answer);
  const spread = (moments: number[]) => (moments.at(-1) ?? 0) - (moments[0] ?? 0);
  const recordedSpread = spread(chunks.map(({ ms }) => ms));
  if (spread(times) < recordedSpread / 2) {
    findings.push({ at: `${place} spread in ms`, recorded: recordedSpread, actual: spread(times) });
  }
  return findings;
}

import type { ApiRequest } from './api-client.ts';
import { compareAnswer } from './answer-comparison.ts';
import { compareValues } from './comparison.ts';
import { dig, parseJson, textAt, type Json, type JsonObject } from './json.ts';
import { preparations } from './preparations.ts';
import type { Finding } from './reckoning.ts';
import type { Step, StreamEvent } from './recording.ts';
import { createLineReader } from './stage.ts';
import type { Theatre } from './theatre.ts';

/** A watch that was closed by the recorder after more than a minute is cut here. */
const longestWatchMs = 70_000;
/** How long a quiet watch is watched for something that should not come. */
const silenceMs = 700;

/** Opens a recorded watch again and compares its events, and who ended it. */
export async function replayWatch(
  theatre: Theatre,
  index: number,
  request: ApiRequest,
  step: Step,
): Promise<Finding[]> {
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
  const limit = setTimeout(() => enough.abort(), Math.min(closedAfterMs, longestWatchMs) + 8_000);
  const quiet = isDue() ? setTimeout(() => enough.abort(), silenceMs) : undefined;
  const watching = theatre.voice.stream(request, ({ text }) => lines.push(text), enough.signal);
  await preparations[theatre.recording.name]?.during?.[index]?.(theatre);
  const answer = await watching.finally(() => {
    clearTimeout(limit);
    clearTimeout(quiet);
  });
  if (answer.status !== status || step.response?.body !== undefined)
    return compareAnswer(theatre, place, step, answer);
  const findings: Finding[] = [];
  if (closedBy !== answer.closedBy)
    findings.push({ at: `${place} closed by`, recorded: closedBy, actual: answer.closedBy });
  return [...findings, ...compareStreams(theatre, place, expected, seen)];
}

function compareStreams(theatre: Theatre, place: string, expected: StreamEvent[], seen: Json[]): Finding[] {
  if (dig(expected[0]?.object, 'kind') === 'Table' && expected.length > 5)
    return compareTables(theatre, place, expected, seen);
  if (expected.length !== seen.length) {
    return [{ at: `${place} events`, recorded: expected.map(titleOf), actual: seen.map(titleOf) }];
  }
  return expected.flatMap(({ type, object }, index) => {
    const differences = compareValues({ type, object }, seen[index], theatre.bindings, { partial: false });
    return differences.map(({ path, ...pair }) => ({ at: `${place} event ${index} ${path}`, ...pair }));
  });
}

const titleOf = (event: Json): string =>
  `${textAt(event, 'type')} ${textAt(event, 'object', 'metadata', 'name')}`;

/** A long Table watch is a person's screen: what each row read, one after the other, without the ages. */
function compareTables(theatre: Theatre, place: string, expected: StreamEvent[], seen: Json[]): Finding[] {
  const recorded = readScreens(expected, (text) => theatre.bindings.translate(text));
  const actual = readScreens(seen, (text) => text);
  const differences = compareValues(recorded, actual, theatre.bindings, { partial: false });
  return differences.map(({ path, ...pair }) => ({ at: `${place} screen ${path}`, ...pair }));
}

function readScreens(events: Json[], translate: (text: string) => string): JsonObject {
  const screens: Record<string, string[]> = {};
  for (const event of events) {
    const cells = dig(event, 'object', 'rows', 0, 'cells');
    const [name = '', ...rest] = Array.isArray(cells) ? cells.map((cell) => translate(textAt(cell))) : [];
    const line = rest
      .slice(0, 3)
      .map((cell) => cell.replace(/\b(\d+[dhms])+\b/g, ''))
      .join(' ');
    const screen = (screens[name] ??= []);
    if (screen.at(-1) !== line) screen.push(line);
  }
  return screens;
}

/** A followed log: the same text in the end, and not all of it in one piece. */
export async function replayFollow(
  theatre: Theatre,
  place: string,
  request: ApiRequest,
  step: Step,
): Promise<Finding[]> {
  const chunks = step.response?.chunks ?? [];
  const times: number[] = [];
  const answer = await theatre.voice.stream(request, ({ ms }) => times.push(ms), AbortSignal.timeout(60_000));
  const body = chunks.map(({ data }) => data).join('');
  const findings = compareAnswer(
    theatre,
    place,
    { ...step, response: { status: 200, headers: {}, body } },
    answer,
  );
  const recordedSpread = spread(chunks.map(({ ms }) => ms));
  if (spread(times) < recordedSpread / 2) {
    findings.push({ at: `${place} spread in ms`, recorded: recordedSpread, actual: spread(times) });
  }
  return findings;
}

const spread = (moments: number[]): number => (moments.at(-1) ?? 0) - (moments[0] ?? 0);

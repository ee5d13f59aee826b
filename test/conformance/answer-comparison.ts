import type { ApiAnswer } from './api-client.ts';
import { compareValues } from './comparison.ts';
import { mask } from './masks.ts';
import { parseJson, type Json } from './json.ts';
import type { Finding } from './reckoning.ts';
import type { Step } from './recording.ts';
import type { Theatre } from './theatre.ts';

/** Headers that any two servers send differently, or that say nothing about the answer. */
const ownHeaders = new Set(['transfer-encoding', 'date', 'etag', 'content-length', 'cache-control', 'vary']);

/** Status, telling headers and body of an answer against the recorded ones. `place` names the step. */
export function compareAnswer(
  theatre: Pick<Theatre, 'bindings' | 'recording'>,
  place: string,
  step: Step,
  answer: ApiAnswer,
): Finding[] {
  const { status, headers = {}, body } = step.response ?? { status: 0 };
  const findings: Finding[] = [];
  if (status !== answer.status)
    findings.push({ at: `${place} status`, recorded: status, actual: `${answer.status} ${answer.raw}` });
  for (const [name, value] of Object.entries(headers)) {
    const actual = answer.headers[name] ?? '';
    if (name === 'etag' && actual !== '') theatre.bindings.relearn(value, actual);
    if (ownHeaders.has(name)) continue;
    if (sortParts(mask(theatre.bindings.translate(value))) !== sortParts(mask(actual))) {
      findings.push({ at: `${place} header ${name}`, recorded: value, actual });
    }
  }
  if (status !== answer.status || body === undefined || body === null) return findings;
  const isLog = /\/log($|\?)/.test(step.request?.path ?? '');
  const [expected, actual] = readBodies(body, answer, isLog);
  const differences = compareValues(expected, actual, theatre.bindings, {
    partial: step.trimmed === true,
    served: theatre.recording.name === '01-discovery',
    steady: theatre.recording.pods.length === 0,
  });
  return [...findings, ...differences.map(({ path, ...pair }) => ({ at: `${place} ${path}`, ...pair }))];
}

/**
 * Pretty-printed bodies are kept as text, since their form is what matters; a log may be JSON that a container wrote.
 */
function readBodies(body: Json, answer: ApiAnswer, isLog: boolean): [Json, Json] {
  if (Array.isArray(body)) return [body, parseLines(answer.raw)];
  if (typeof body !== 'string') return [body, answer.body];
  return isLog && body.startsWith('{') ? [parseJson(body), answer.body] : [body, answer.raw];
}

/** Warnings come in the order of a Go map. */
const sortParts = (header: string): string =>
  header
    .split(/, (?=299 )/)
    .toSorted()
    .join(', ');

const parseLines = (raw: string): Json[] => raw.split('\n').filter(Boolean).map(parseJson);

import { afterAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { compareAnswer } from './answer-comparison.ts';
import { createApiClient, type ApiRequest } from './api-client.ts';
import { createBindings } from './bindings.ts';
import { createClientNodeVoice } from './client-node-voice.ts';
import { isObject, parseJson, type Json } from './json.ts';
import { findKubectl } from './kubectl-program.ts';
import { canPlayByKubectl, openKubectlVoice } from './kubectl-voice.ts';
import { createReckoning } from './reckoning.ts';
import { loadRecording, type RecordedAnswer, type Step } from './recording.ts';
import { serveRecorded } from './recorded-server.ts';
import { plainVoice, type Voice, type VoiceName } from './voice.ts';

/** 17, 21 and 22 are not played yet. */
const played = readdirSync(new URL('../golden', import.meta.url))
  .filter((file) => /^(0\d|1[0-689]|20)-.*\.json$/.test(file))
  .map((file) => file.replace('.json', ''));

const server = await serveRecorded();
const clientNode = createClientNodeVoice(server.config);
const voices = [plainVoice(await createApiClient(server.config)), clientNode];
if (findKubectl() !== undefined) voices.push(await openKubectlVoice(server));

afterAll(async () => {
  await Promise.all(voices.map((voice) => voice.close()));
  await server.stop();
});

/** The replay leaves out the recorder's credentials. */
function toRequest({ headers = {}, ...request }: NonNullable<Step['request']>): ApiRequest {
  const { authorization: _, ...others } = headers;
  return { ...request, headers: others };
}

function recordedStep(name: string, index: number) {
  const recording = loadRecording(name, (text) => text);
  const step = recording.steps[index];
  if (!step?.request || !step.response) throw new Error(`${name}#${index} is no request`);
  return { recording, step, request: toRequest(step.request), response: step.response };
}

/** What is found when the voice is answered so, and the recorded answer is the one that it is held against. */
async function findingsOf(voice: Voice, [name, index]: [string, number], answer: RecordedAnswer) {
  const { recording, step, request, response } = recordedStep(name, index);
  server.answerWith(answer);
  const said = await voice.send(request);
  const heard = { ...step, response: await voice.hear(request, response) };
  return compareAnswer({ recording, bindings: createBindings() }, `${name}#${index}`, heard, said);
}

const rewrite = (body: Json | undefined, change: (text: string) => string): Json =>
  parseJson(change(JSON.stringify(body)));

/** A recorded answer, and how it is spoilt. */
const answers: [title: string, at: [string, number], spoil: (answer: RecordedAnswer) => RecordedAnswer][] = [
  ['another status of a success', ['03-failing-backoff', 0], (answer) => ({ ...answer, status: 200 })],
  [
    'another value in a created Job',
    ['03-failing-backoff', 0],
    (answer) => ({
      ...answer,
      body: rewrite(answer.body, (text) => text.replace('"backoffLimit":2', '"backoffLimit":3')),
    }),
  ],
  [
    'a field that is lost from a Job that has failed',
    ['03-failing-backoff', 3],
    (answer) => ({ ...answer, body: rewrite(answer.body, (text) => text.replace('"failed":3,', '')) }),
  ],
  [
    'another exit code in a list of pods',
    ['03-failing-backoff', 5],
    (answer) => ({
      ...answer,
      body: rewrite(answer.body, (text) => text.replace('"exitCode":3', '"exitCode":4')),
    }),
  ],
  [
    'an item that is missing from a list',
    ['18-selectors', 4],
    (answer) => ({ ...answer, body: isObject(answer.body) ? { ...answer.body, items: [] } : null }),
  ],
  [
    'another cause of a refusal',
    ['13-validation-errors', 1],
    (answer) => ({
      ...answer,
      body: rewrite(answer.body, (text) => text.replaceAll('Required value', 'Invalid value')),
    }),
  ],
  ['another status of a refusal', ['13-validation-errors', 1], (answer) => ({ ...answer, status: 400 })],
  [
    'another reason of a refusal',
    ['13-validation-errors', 69],
    (answer) => ({
      ...answer,
      body: rewrite(answer.body, (text) => text.replace('AlreadyExists', 'Conflict')),
    }),
  ],
  [
    'another message of a refusal',
    ['13-validation-errors', 72],
    (answer) => ({ ...answer, body: rewrite(answer.body, (text) => text.replace('not found', 'lost')) }),
  ],
  [
    'a refusal in place of an answer',
    ['18-selectors', 4],
    () => ({
      status: 403,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'Forbidden',
        message: 'no',
        code: 403,
      },
    }),
  ],
  ['a warning that is not given', ['12-delete', 1], (answer) => ({ ...answer, headers: {} })],
  ['a log that ends otherwise', ['15-logs', 5], (answer) => ({ ...answer, body: 'line 1\n' })],
];

describe.each(voices)('$name', (voice) => {
  test.each(answers)('tells of %s, and of nothing where nothing has changed', async (_title, at, spoil) => {
    const { response } = recordedStep(...at);
    expect(await findingsOf(voice, at, response)).toEqual([]);
    const spoilt = spoil(response);
    expect(spoilt).not.toEqual(response);
    expect(await findingsOf(voice, at, spoilt)).not.toEqual([]);
  });

  test('passes on each event of a watch as it came', async () => {
    const { request, response } = recordedStep('14-list-and-watch', 23);
    server.answerWith(response);
    let text = '';
    const never = new AbortController().signal;
    const { status, closedBy } = await voice.stream(request, (piece) => (text += piece.text), never);
    const seen = text.split('\n').filter(Boolean).map(parseJson);
    expect({ status, closedBy, seen }).toEqual({
      status: 200,
      closedBy: 'server',
      seen: response.events?.map(({ type, object }) => ({ type, object })),
    });
  });

  test('tells of a watch that is refused', async () => {
    const { request } = recordedStep('14-list-and-watch', 23);
    server.answerWith(recordedStep('14-list-and-watch', 37).response);
    const answer = await voice.stream(request, () => undefined, new AbortController().signal);
    expect(answer.status).toBe(422);
  });
});

const limits: [VoiceName, Voice['canPlay']][] = [
  ['client-node', (request, recorded) => clientNode.canPlay(request, recorded)],
  ['kubectl', async (request, recorded) => canPlayByKubectl(request, recorded)],
];

test.each(limits)(
  'the table of its limits names what %s cannot play, and nothing else',
  async (voice, canPlay) => {
    const reckoning = createReckoning('real', voice);
    const wrong: string[] = [];
    for (const name of played) {
      for (const [index, { request, response }] of loadRecording(name, (text) => text).steps.entries()) {
        if (!request || !response || reckoning.skips(name, index)) continue;
        const isPlayed = await canPlay(toRequest(request), response);
        if (isPlayed === reckoning.leavesUnsaid(name, index))
          wrong.push(
            `${name}#${index} ${isPlayed ? 'is listed and can be played' : 'cannot be played and is not listed'}`,
          );
      }
    }
    expect(wrong.join('\n')).toBe('');
  },
);

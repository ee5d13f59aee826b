import type { ApiAnswer, ApiRequest } from './api-client.ts';
import { compareAnswer } from './answer-comparison.ts';
import { isObject, listAt, textAt } from './json.ts';
import type { Finding, Reckoning } from './reckoning.ts';
import type { Step } from './recording.ts';
import { replayFollow, replayWatch } from './stream-replay.ts';
import type { Theatre } from './theatre.ts';
import { plainVoice } from './voice.ts';

/**
 * Sends one recorded request to the cluster under test and compares the answers. `dueMs`: when the next step was
 * made, counted as Step.ms; a stream that lasted longer is not waited for, and its findings come from `later`.
 */
export async function replayStep(
  audience: Theatre,
  index: number,
  dueMs: number,
  reckoning: Reckoning,
): Promise<{ later?: Promise<Finding[]>; findings: Finding[] }> {
  const recorded = audience.recording.steps[index];
  if (!recorded?.request || !recorded.response) return { findings: [] };
  const place = `${audience.recording.name}#${index}`;
  const request = await translateRequest(audience, recorded.request);
  // Made all the same where the voice has no words for it: the story has to go on.
  const isUnsaid = reckoning.leavesUnsaid(audience.recording.name, index);
  const theatre = isUnsaid ? { ...audience, voice: plainVoice(audience.client) } : audience;
  const step = { ...recorded, response: await theatre.voice.hear(request, recorded.response) };
  const { events, chunks, closedAfterMs = 0 } = step.response;
  if (!events && !chunks) {
    const answer = ownItemsOnly(theatre, request, await theatre.voice.send(request));
    return { findings: compareAnswer(theatre, place, step, answer) };
  }
  const later = events
    ? replayWatch(theatre, index, request, step)
    : replayFollow(theatre, place, request, step);
  const isBackground = chunks !== undefined || step.ms + closedAfterMs > dueMs;
  return isBackground ? { later, findings: [] } : { findings: await later };
}

/** Asked about all namespaces, the cluster tells of the others that are played in at the same time, too. */
function ownItemsOnly({ namespace }: Theatre, { path }: ApiRequest, answer: ApiAnswer): ApiAnswer {
  const { body } = answer;
  if (!path.startsWith('/apis/batch/v1/jobs') || !isObject(body) || !body['items']) return answer;
  const items = listAt(body, 'items').filter((item) => textAt(item, 'metadata', 'namespace') === namespace);
  return { ...answer, body: { ...body, items } };
}

async function translateRequest(
  theatre: Theatre,
  recorded: NonNullable<Step['request']>,
): Promise<ApiRequest> {
  const { bindings } = theatre;
  const [pathname = '', query] = recorded.path.split('?');
  const search = query === undefined ? '' : `?${await translateQuery(theatre, pathname, query)}`;
  const { method, body, rawBody } = recorded;
  // Whoever asked for the recorder, here it is the holder of the kubeconfig.
  const { authorization: _, ...sent } = recorded.headers ?? {};
  const headers = Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, bindings.find(value) ?? value]),
  );
  const translated = body === undefined ? undefined : bindings.translateAll(body);
  return { method, path: bindings.translate(pathname) + search, headers, body: translated, rawBody };
}

/** What needs no translation is sent as the recorder wrote it, escapes and all: some steps are about just that. */
async function translateQuery(theatre: Theatre, pathname: string, query: string): Promise<string> {
  const pairs = query.split('&').map(async (pair) => {
    const [name, value] = pair.split('=');
    if (value === undefined) return pair;
    const plain = decodeURIComponent(value);
    if (name === 'resourceVersion') await bindVersion(theatre, pathname, plain);
    const translated = theatre.bindings.translate(plain);
    return translated === plain ? pair : `${name}=${encodeURIComponent(translated)}`;
  });
  return (await Promise.all(pairs)).join('&');
}

/** A version that no recorded answer has shown is the list's of that moment; 0, 1 and a far future mean themselves. */
async function bindVersion({ client, bindings }: Theatre, path: string, recorded: string): Promise<void> {
  const isReal = /^\d{4,}$/.test(recorded) && recorded !== '999999999';
  if (!isReal || bindings.find(recorded) !== undefined) return;
  const list = await client.send({ method: 'GET', path });
  bindings.relearn(recorded, textAt(list.body, 'metadata', 'resourceVersion'));
}

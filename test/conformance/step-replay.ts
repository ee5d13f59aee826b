import type { ApiRequest } from './api-client.ts';
import { compareAnswer } from './answer-comparison.ts';
import { textAt } from './json.ts';
import type { Finding } from './reckoning.ts';
import type { Step } from './recording.ts';
import { replayFollow, replayWatch } from './stream-replay.ts';
import type { Theatre } from './theatre.ts';

/**
 * Sends one recorded request to the cluster under test and compares the answers. `dueMs`: when the next step was
 * made, counted as Step.ms; a stream that lasted longer is not waited for, and its findings come from `later`.
 */
export async function replayStep(
  theatre: Theatre,
  index: number,
  dueMs: number,
): Promise<{ later?: Promise<Finding[]>; findings: Finding[] }> {
  const step = theatre.recording.steps[index];
  if (!step?.request || !step.response) return { findings: [] };
  const place = `${theatre.recording.name}#${index}`;
  const request = await translateRequest(theatre, step.request);
  const { events, chunks, closedAfterMs = 0 } = step.response;
  if (!events && !chunks)
    return { findings: compareAnswer(theatre, place, step, await theatre.client.send(request)) };
  const later = events
    ? replayWatch(theatre, index, request, step)
    : replayFollow(theatre, place, request, step);
  const isBackground = chunks !== undefined || step.ms + closedAfterMs > dueMs;
  return isBackground ? { later, findings: [] } : { findings: await later };
}

async function translateRequest(
  theatre: Theatre,
  recorded: NonNullable<Step['request']>,
): Promise<ApiRequest> {
  const { bindings } = theatre;
  const [pathname = '', query] = recorded.path.split('?');
  const pairs = (query ?? '').split('&').map(async (pair) => {
    const [name, value] = pair.split('=');
    if (value === undefined) return pair;
    const plain = decodeURIComponent(value);
    if (
      name === 'resourceVersion' &&
      /^\d{4,}$/.test(plain) &&
      plain !== '999999999' &&
      !bindings.find(plain)
    ) {
      // The recorder took the list's version of that moment.
      const list = await theatre.client.send({ method: 'GET', path: pathname });
      bindings.relearn(plain, textAt(list.body, 'metadata', 'resourceVersion'));
    }
    const translated = bindings.translate(plain);
    return translated === plain ? pair : `${name}=${encodeURIComponent(translated)}`;
  });
  const path =
    bindings.translate(pathname) + (query === undefined ? '' : `?${(await Promise.all(pairs)).join('&')}`);
  const { method, body, rawBody } = recorded;
  // Whoever asked for the recorder, here it is the holder of the kubeconfig.
  const { authorization: _, ...sent } = recorded.headers ?? {};
  const headers = Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, bindings.find(value) ?? value]),
  );
  return {
    method,
    path,
    headers,
    body: body === undefined ? undefined : bindings.translateAll(body),
    rawBody,
  };
}

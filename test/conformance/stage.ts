import type { ApiClient } from './api-client.ts';
import { dig, parseJson, textAt } from './json.ts';
import type { Sighting } from './recording.ts';

/** Everything that was seen in one namespace of the cluster under test, in order, since its watches were opened. */
export type Stage = {
  jobs: Sighting[];
  pods: Sighting[];
  events: Sighting[];
  /** Ends the watches; throws what went wrong with one of them. */
  close(): Promise<void>;
};

export async function openStage(client: ApiClient, namespace: string): Promise<Stage> {
  const closing = new AbortController();
  const openedAt = Date.now();
  const jobs: Sighting[] = [];
  const pods: Sighting[] = [];
  const events: Sighting[] = [];

  /** Lists before anything happens here, so that the watch misses nothing however late it gets through. */
  async function prepare(path: string, into: Sighting[]) {
    const list = await client.send({ method: 'GET', path });
    const version = textAt(list.body, 'metadata', 'resourceVersion');
    const lines = createLineReader((line) => {
      const event = parseJson(line);
      const object = dig(event, 'object') ?? null;
      const name = textAt(object, 'metadata', 'name');
      into.push({ ms: Date.now() - openedAt, type: textAt(event, 'type'), name, object });
    });
    const watch = `${path}?watch=true&resourceVersion=${version}&timeoutSeconds=600`;
    return () =>
      client.stream({ method: 'GET', path: watch }, ({ text }) => lines.push(text), closing.signal);
  }

  const starts = await Promise.all([
    prepare(`/apis/batch/v1/namespaces/${namespace}/jobs`, jobs),
    prepare(`/api/v1/namespaces/${namespace}/pods`, pods),
    prepare(`/api/v1/namespaces/${namespace}/events`, events),
  ]);
  const watches = Promise.allSettled(starts.map((start) => start()));
  return {
    jobs,
    pods,
    events,
    async close() {
      closing.abort();
      for (const ended of await watches) {
        if (ended.status === 'rejected') throw ended.reason;
        const { closedBy, status, raw } = ended.value;
        if (closedBy === 'server')
          throw new Error(`a watch of ${namespace} ended early: ${status} ${raw.slice(-500)}`);
      }
    },
  };
}

/** Cuts pieces of text into whole lines. */
export function createLineReader(onLine: (line: string) => void): { push(text: string): void } {
  let rest = '';
  return {
    push(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line) onLine(line);
    },
  };
}

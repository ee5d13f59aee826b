import type { ApiClient, ApiRequest } from './api-client.ts';
import type { RecordedAnswer } from './recording.ts';

export type VoiceName = 'plain HTTP' | 'client-node' | 'kubectl';

/**
 * A client in which the recordings are asked. Each request and each watch of a recording is put in its own words, and
 * what it tells of the answer is held against what it would have told of the recorded one.
 */
export type Voice = ApiClient & {
  name: VoiceName;
  /**
   * False for a request that this client has no words for or would send otherwise than it is, and for one whose answer
   * it would not pass on.
   */
  canPlay(request: ApiRequest, recorded: RecordedAnswer): Promise<boolean>;
  /** What this client would have told of the recorded answer to the request. */
  hear(request: ApiRequest, recorded: RecordedAnswer): Promise<RecordedAnswer>;
  /** Removes what the client keeps on the disk. */
  close(): Promise<void>;
};

/** Plain HTTP says everything, and hides nothing. */
export const plainVoice = (client: ApiClient): Voice => ({
  ...client,
  name: 'plain HTTP',
  canPlay: async () => true,
  hear: async (_request, recorded) => recorded,
  close: async () => undefined,
});

export type Target = { pathname: string; query: Record<string, string> };

/** The parts of a request's path, escapes undone; undefined where one name has several values, or none. */
export function readTarget(path: string): Target | undefined {
  const [pathname = '', search] = path.split('?');
  const query: Record<string, string> = {};
  for (const pair of search === undefined ? [] : search.split('&')) {
    const [name = '', value] = pair.split('=');
    if (value === undefined || name in query) return undefined;
    query[name] = decodeURIComponent(value.replaceAll('+', ' '));
  }
  return { pathname, query };
}

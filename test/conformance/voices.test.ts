import { describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { readdirSync } from 'node:fs';
import type { ApiRequest } from './api-client.ts';
import { createClientNodeVoice } from './client-node-voice.ts';
import { toCommand } from './kubectl-voice.ts';
import { createReckoning } from './reckoning.ts';
import { loadRecording, type Step } from './recording.ts';
import type { VoiceName } from './voice.ts';

/** 17, 21 and 22 are not played yet. */
const played = readdirSync(new URL('../golden', import.meta.url))
  .filter((file) => /^(0\d|1[0-689]|20)-.*\.json$/.test(file))
  .map((file) => file.replace('.json', ''));

const clientNode = createClientNodeVoice(new KubeConfig());
const canSay: [VoiceName, (request: ApiRequest) => Promise<boolean>][] = [
  ['client-node', (request) => clientNode.canSay(request)],
  ['kubectl', async (request) => toCommand(request, '') !== undefined],
];

/** The replay leaves out the recorder's credentials. */
function toRequest({ headers = {}, ...request }: NonNullable<Step['request']>): ApiRequest {
  const { authorization: _, ...others } = headers;
  return { ...request, headers: others };
}

describe('the voices', () => {
  test.each(canSay)(
    '%s has words for each request that the table of its limits does not name',
    async (voice, say) => {
      const reckoning = createReckoning('real', voice);
      const wrong: string[] = [];
      for (const name of played) {
        for (const [index, { request }] of loadRecording(name, (text) => text).steps.entries()) {
          if (!request || reckoning.skips(name, index)) continue;
          const isSaid = await say(toRequest(request));
          if (isSaid === reckoning.leavesUnsaid(name, index))
            wrong.push(
              `${name}#${index} ${isSaid ? 'is listed and can be said' : 'cannot be said and is not listed'}`,
            );
        }
      }
      expect(wrong.join('\n')).toBe('');
    },
  );
});

import type { VoiceName } from './voice.ts';

/**
 * Which requests of the recordings a voice has no words for, or tells no one the answer; plain HTTP makes them in its place. voices.test.ts holds
 * this against what the voices can say: an entry too many fails as one too few does.
 */
export type UnsaidRequests = {
  voices: VoiceName[];
  /** Steps by recording. */
  requests: Record<string, number[]>;
  why: string;
};

export const unsaidRequests: UnsaidRequests[] = [
  {
    voices: ['client-node', 'kubectl'],
    requests: {
      '01-discovery': [3, 12, 13, 14, 15, 17, 18],
      '02-minimal-job': [0, 1, 5, 6, 7, 8, 9, 10, 11, 14, 15],
      '03-failing-backoff': [2, 4, 6],
      '04-completions-parallelism': [5, 7],
      '05-indexed': [3],
      '07-active-deadline': [2, 6],
      '08-suspend': [2, 9],
      '09-on-failure-restarts': [3, 7, 11],
      '10-stuck-pods': [14, 15],
      '12-delete': [0, 3],
      '13-validation-errors': [88, 89, 90],
      '14-list-and-watch': [42, 43, 44],
      '15-logs': [37, 38, 39],
      '19-termination': [22],
    },
    why: 'is about a header of the request, mostly an Accept (Table, metadata alone, YAML), which the client chooses by itself',
  },
  {
    voices: ['client-node', 'kubectl'],
    requests: { '13-validation-errors': [83, 85, 86, 87], '20-patch-and-update': [25] },
    why: 'is about the content type of a body, which the client chooses by itself',
  },
  {
    voices: ['client-node', 'kubectl'],
    requests: { '01-discovery': [34], '13-validation-errors': [117, 120, 121] },
    why: 'there are no words for the method',
  },
  {
    voices: ['client-node'],
    requests: {
      '01-discovery': [4, 16, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33],
      '13-validation-errors': [71, 78, 116, 118, 119],
      '14-list-and-watch': [40],
    },
    why: 'there is no typed call for the path and method',
  },
  {
    voices: ['client-node'],
    requests: {
      '01-discovery': [2],
      '13-validation-errors': [103, 104],
      '14-list-and-watch': [22, 41],
      '15-logs': [19, 20, 21, 22, 23],
    },
    why: 'the typed call does not take the parameter',
  },
  {
    voices: ['client-node'],
    requests: { '13-validation-errors': [97, 100, 102], '15-logs': [11] },
    why: 'the typed call takes the parameter as a number or a boolean, and this is none, or one in another spelling',
  },
  {
    voices: ['client-node'],
    requests: { '12-delete': [16, 18], '13-validation-errors': [53, 54, 55, 56, 57, 60, 61] },
    why: 'the library drops fields that it does not know before it sends them',
  },
  {
    voices: ['client-node'],
    requests: { '12-delete': [17], '13-validation-errors': [58, 59, 79, 80, 81, 82, 84, 129] },
    why: 'is about the bytes of a body, and a typed call takes an object',
  },
  {
    voices: ['client-node'],
    requests: { '15-logs': [0, 1, 3, 24] },
    why: 'when a followed log is cut, the library ends the process',
  },
  {
    voices: ['client-node'],
    requests: { '15-logs': [40] },
    why: 'is about the Accept of kubectl',
  },
  {
    voices: ['kubectl'],
    requests: { '13-validation-errors': [91], '20-patch-and-update': [5, 18, 19, 20, 21, 22, 23, 24] },
    why: '`kubectl patch` takes three types of patch, and of the parameters dryRun alone',
  },
  {
    voices: ['client-node'],
    requests: { '14-list-and-watch': [46] },
    why: 'the library gives up a watch that is silent for 30 s, so that the bookmark of each minute never comes',
  },
  {
    voices: ['kubectl'],
    requests: { '14-list-and-watch': [21] },
    why: 'told to ask again in a second, kubectl does so ten times before it tells of the refusal',
  },
];

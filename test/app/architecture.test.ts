import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { isFinal, jobStates, nextStates } from '../../src/core/job-state.ts';

test('the state diagram of the docs is the transition table', () => {
  const drawn = readFileSync('docs/architecture.md', 'utf8')
    .match(/stateDiagram-v2\n([\s\S]*?)```/)?.[1]
    ?.trim();
  const table = [
    '[*] --> QUEUED',
    ...jobStates.flatMap((state) => nextStates[state].map((next) => `${state} --> ${next}`)),
    ...jobStates.filter(isFinal).map((state) => `${state} --> [*]`),
  ];
  expect(drawn?.split('\n').map((line) => line.trim())).toEqual(table);
});

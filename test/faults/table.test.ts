import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { scenarios } from './scenarios.ts';

const table = readFileSync('test/faults/README.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, number, , heldBy] = line.split('|').map((cell) => cell.trim());
    return number !== undefined && /^\d+$/.test(number)
      ? [{ number: Number(number), heldBy: heldBy ?? '' }]
      : [];
  });

/** `fault N` in the name of a test or of a group of them. */
const named = globSync('test/**/*.test.ts').flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/['"`]fault (\d+)[: ]/g)].map(([, number]) => `${number} ${file}`),
);

test('the table of faults has 27 rows, and names exactly the files whose tests name the fault', () => {
  expect(table.map(({ number }) => number)).toEqual(Array.from({ length: 27 }, (_, n) => n + 1));
  const told = table.flatMap(({ number, heldBy }) =>
    [...heldBy.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => `${number} ${file}`),
  );
  expect(told.toSorted()).toEqual([...new Set(named)].toSorted());
});

test('the scenarios that the table names can be played, and each is named', () => {
  const told = table.flatMap(({ heldBy }) =>
    [...heldBy.matchAll(/scenario `([^`]+)`/g)].map(([, name]) => name ?? ''),
  );
  expect(told.toSorted()).toEqual(Object.keys(scenarios).toSorted());
});

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const page = readFileSync('docs/guarantees.md', 'utf8').replaceAll(/\s+/g, ' ');
const promises = page.split(/ ## \d+\. /).slice(1);

test('each promise says by which tests it is held', () => {
  expect(promises.length).toBeGreaterThanOrEqual(12);
  for (const promise of promises) expect(promise).toMatch(/\*\*Held by:\*\* .*`test\/[^`]+\.test\.ts`/);
});

test('the tests that the promises name are there', () => {
  const files = [...page.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file]) => file ?? '');
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  // A name in quotes belongs to the file before it.
  const names = [...page.matchAll(/`(test\/[^`]+)`((?:,? and the proof[^`]*?|,? "[^"]+")+)/g)].flatMap(
    ([, file, quoted]) =>
      [...(quoted ?? '').matchAll(/"([^"]+)"/g)].map(([, name]) => ({ file: file ?? '', name: name ?? '' })),
  );
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter(({ file, name }) => !readFileSync(file, 'utf8').includes(name))).toEqual([]);
});

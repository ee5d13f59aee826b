import { expect, test } from '@jest/globals';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { startHttpSide } from '../http/http-side.ts';

const model = readFileSync('docs/security.md', 'utf8');
const named = [...model.matchAll(/`(test\/[^`]+\.test\.ts)`(?: "([^"]+)")?/g)].map(([, path = '', name]) => ({
  path,
  name,
}));

test('every test that the threat model names is there', () => {
  expect(named.length).toBeGreaterThan(25);
  const missing = named.filter(
    ({ path, name }) =>
      !existsSync(path) || (name !== undefined && !readFileSync(path, 'utf8').includes(name)),
  );
  expect(missing).toEqual([]);
});

test('every attack that is tested has its place in the threat model', () => {
  const paths = new Set(named.map(({ path }) => path));
  const attacks = globSync('test/security/*.test.ts').filter(
    (path) => !path.endsWith('threat-model.test.ts'),
  );
  expect(attacks.filter((path) => !paths.has(path))).toEqual([]);
});

test('the policy that it quotes is the one that is sent', async () => {
  const side = await startHttpSide();
  const sent = (await fetch(`${side.url}/jobs`)).headers.get('content-security-policy');
  await side.stop();
  const [, quoted] = /the policy `([^`]+)`/.exec(model) ?? [];
  expect(quoted?.split('; ')).toEqual(sent?.split(';'));
});

import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError } from '../../src/app/config.ts';
import { createJobTokens } from '../../src/app/job-token.ts';
import { readReportKeys } from '../../src/app/report-keys.ts';
import { startTestApp } from '../support/running-app.ts';

const dirs: string[] = [];
const apps: Awaited<ReturnType<typeof startTestApp>>[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function write(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-keys-'));
  dirs.push(dir);
  writeFileSync(join(dir, 'keys'), text);
  return join(dir, 'keys');
}

const own = Buffer.alloc(32, 7);
const [newKey, oldKey] = ['n'.repeat(32), 'o'.repeat(32)];
const read = (text: string) => readReportKeys(write(text), () => own);

describe('the keys of job tokens', () => {
  test('are the one that the database made, where no file is named', () => {
    expect(readReportKeys(undefined, () => own)).toEqual([own]);
  });

  test('are the lines of the file, the first of which signs', () => {
    expect(read(`${newKey}\n\n  ${oldKey}\r\n`)).toEqual([Buffer.from(newKey), Buffer.from(oldKey)]);
  });

  test("may include the database's own, by that word", () => {
    expect(read(`${newKey}\ndatabase\n`)).toEqual([Buffer.from(newKey), own]);
  });

  test.each([
    ['short', `${newKey}\nshort-secret\n`, /less than 32 characters \(the 2\.\)/],
    ['missing', ' \n', /holds no key/],
    ['comments', `# nnn, the new key, of 2026-11-20\n${newKey}`, /"#" in front or spaces in it \(the 1\.\)/],
    ['sentences', `${newKey}\n${oldKey} nnn`, /"#" in front or spaces in it \(the 2\.\)/],
    ['a comment in one word', `#${newKey}`, /"#" in front/],
  ])('that are %s are told in one sentence, which does not quote them', (_what, text, sentence) => {
    expect(() => read(text)).toThrow(ConfigError);
    expect(() => read(text)).toThrow(sentence);
    expect(() => read(text)).not.toThrow(/short-secret|nnn/);
  });

  test('that cannot be read are a fault of the configuration', () => {
    expect(() => readReportKeys('/nowhere/keys', () => own)).toThrow(ConfigError);
    expect(() => readReportKeys('/nowhere/keys', () => own)).toThrow(
      /^REPORT_KEY_FILE: \/nowhere\/keys cannot be read \(ENOENT/,
    );
  });

  test('that are wrong keep a local cluster from starting in vain', async () => {
    const file = write('short-secret');
    const environment = { REPORT_KEY_FILE: file, DATABASE_PATH: join(dirname(file), 'jobspawn.db') };
    await expect(startTestApp(environment)).rejects.toThrow(ConfigError);
    expect(existsSync(join(dirname(file), 'local-cluster'))).toBe(false);
  });

  test('fault 18: are those of the file that the service was started with', async () => {
    const app = await startTestApp({ REPORT_KEY_FILE: write(`${newKey}\n${oldKey}\n`) });
    apps.push(app);
    const { id } = await app.submit({
      name: 'x',
      args: ['simulate', '--duration', '10ms', '--error-rate', '0'],
    });
    expect((await app.untilDone(id)).reports.at(-1)?.status).toBe('SUCCESS');
    const say = (token: string) =>
      fetch(`${app.url}/status?job-id=${id}&token=${token}`, {
        method: 'POST',
        body: new URLSearchParams({ status: 'SUCCESS' }),
      });
    expect((await say(createJobTokens(Buffer.from(oldKey)).issue(id))).status).toBe(200);
    expect((await say(createJobTokens(Buffer.from('x'.repeat(32))).issue(id))).status).toBe(401);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { commandLine } from '../../src/core/access.ts';
import { openAccessStore } from '../../src/store/access-store.ts';
import { findChromium, howToGetChromium, openChromium } from '../support/chromium.ts';
import { startTestApp } from '../support/running-app.ts';
import { silent } from '../store/stage.ts';

const executablePath = findChromium();
if (executablePath === undefined) {
  if (process.env['CI'] === 'true') throw new Error(howToGetChromium);
  console.warn(`The browser tests are skipped: ${howToGetChromium}.`);
}
const withBrowser = executablePath === undefined ? describe.skip : describe;

withBrowser('in a real browser', () => {
  let dir: string;
  let app: Awaited<ReturnType<typeof startTestApp>>;
  let browser: Awaited<ReturnType<typeof openChromium>>;
  let beside: ReturnType<typeof openAccessStore>;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'jobspawn-login-'));
    const path = join(dir, 'jobspawn.db');
    app = await startTestApp({ AUTH: 'token', DATABASE_PATH: path });
    beside = openAccessStore({ path, clock: () => new Date(), log: silent });
    browser = await openChromium(executablePath ?? '');
  });

  afterAll(async () => {
    await browser?.close();
    beside?.close();
    await app?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a person logs in, runs a job, and is asked again when the token is revoked', async () => {
    const { secret } = beside.createToken({ name: 'ada', role: 'operator', by: commandLine });
    const page = await browser.context.newPage();
    await page.goto(`${app.url}/jobs`);
    expect(new URL(page.url()).pathname).toBe('/login');
    await page.getByLabel('Token').fill(secret);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(/\/jobs$/);
    await page.getByLabel('Name', { exact: true }).fill('after a login');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL(/\/jobs\/[0-9A-Z]{26}$/);
    const { pathname } = new URL(page.url());
    beside.revokeToken('ada', { by: commandLine });
    // The job goes on, which the page hears of, looks again, and is sent away.
    await page.waitForURL(/\/login\?next=/);
    expect(new URL(page.url()).searchParams.get('next')).toBe(pathname);
  });

  test('a person logs out', async () => {
    const { secret } = beside.createToken({ name: 'bob', role: 'viewer', by: commandLine });
    const page = await browser.context.newPage();
    await page.goto(`${app.url}/login`);
    await page.getByLabel('Token').fill(secret);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('bob', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(/\/login$/);
    await page.goto(`${app.url}/jobs`);
    expect(new URL(page.url()).pathname).toBe('/login');
  });
});

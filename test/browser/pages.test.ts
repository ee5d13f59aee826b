import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { BrowserContext, Page } from 'playwright-core';
import { findChromium, howToGetChromium, openChromium } from '../support/chromium.ts';
import { startTestApp } from '../support/running-app.ts';

const executablePath = findChromium();
if (executablePath === undefined) {
  if (process.env['CI'] === 'true') throw new Error(howToGetChromium);
  console.warn(`The browser tests are skipped: ${howToGetChromium}.`);
}
const withBrowser = executablePath === undefined ? describe.skip : describe;

/** What the form sends, with the arguments one per line. */
async function runFromForm(page: Page, name: string, args: string[]): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByText('What it runs, and how').click();
  await page.getByLabel('Arguments').fill(args.join('\n'));
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForURL(/\/jobs\/[0-9A-Z]{26}$/);
}

const stateOf = (page: Page) => page.locator('#job-head').getAttribute('data-state');

async function untilState(page: Page, state: string): Promise<void> {
  await page.locator(`#job-head[data-state="${state}"]`).waitFor({ timeout: 60_000 });
}

withBrowser('in a real browser', () => {
  let app: Awaited<ReturnType<typeof startTestApp>>;
  let browser: Awaited<ReturnType<typeof openChromium>>;
  let plain: Awaited<ReturnType<typeof openChromium>>;
  const complaints: string[] = [];

  beforeAll(async () => {
    app = await startTestApp();
    browser = await openChromium(executablePath ?? '');
    plain = await openChromium(executablePath ?? '', { javaScriptEnabled: false });
  });

  afterAll(async () => {
    await browser?.close();
    await plain?.close();
    await app?.stop();
  });

  async function open(context: BrowserContext, path: string): Promise<Page> {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.location().url}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(app.url + path);
    return page;
  }

  test('a job goes from the form to its success without a reload, with its log lines', async () => {
    const page = await open(browser.context, '/jobs');
    await runFromForm(page, 'from the form', ['simulate', '--duration', '2s', '--error-rate', '0']);
    await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));
    const seen = new Set([await stateOf(page)]);
    await untilState(page, 'RUNNING');
    seen.add(await stateOf(page));
    await untilState(page, 'SUCCEEDED');
    await page.locator('#log', { hasText: 'Processing... 50 %' }).waitFor();
    await page.locator('#log', { hasText: 'SUCCESS' }).waitFor();
    expect(seen).toContain('RUNNING');
    expect(await page.locator('#history').innerText()).toMatch(/SUCCESS[\s\S]*Start Processing/);
    expect(await page.evaluate(() => 'notReloaded' in globalThis)).toBe(true);
    await page.close();
  });

  test('another fails, and says why', async () => {
    const page = await open(browser.context, '/jobs');
    await runFromForm(page, 'bound to fail', ['simulate', '--duration', '1s', '--error-rate', '1']);
    await untilState(page, 'FAILED');
    const head = await page.locator('#job-head').innerText();
    expect(head).toContain('BackoffLimitExceeded');
    expect(head).toContain('exited with code 1');
    await page.locator('#log', { hasText: 'ERROR' }).waitFor();
    await page.close();
  });

  test('the list follows a job that a program submits', async () => {
    const page = await open(browser.context, '/jobs');
    const { id } = await app.submit({ name: 'from a program', command: ['true'] });
    const row = page.locator('#job-list li', { hasText: 'from a program' });
    await row.waitFor({ timeout: 60_000 });
    await page
      .locator('#job-list li[data-state="SUCCEEDED"]', { hasText: 'from a program' })
      .waitFor({ timeout: 60_000 });
    expect(await row.getByRole('link').getAttribute('href')).toBe(`/jobs/${id}`);
    await page.close();
  });

  test('a tab that is looked at again shows what happened meanwhile, and is not told of it event by event', async () => {
    const page = await browser.context.newPage();
    await page.addInitScript(`
      globalThis.heard = '';
      globalThis.EventSource = class extends EventSource {
        constructor(url) {
          super(url);
          this.addEventListener('message', ({ data }) => (heard += data));
        }
      };
    `);
    await page.goto(`${app.url}/jobs`);
    const turn = (hidden: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'));
      `);
    await turn(true);
    const unseen = await app.submit({ name: 'while it was hidden', command: ['true'] });
    // Both are told of, in either order, and nothing after them.
    await app.untilDone(unseen.id);
    await app.untilLogIsKept(unseen.id);
    await turn(false);
    await page.locator('#job-list li', { hasText: 'while it was hidden' }).waitFor({ timeout: 60_000 });
    const seen = await app.submit({ name: 'after the return', command: ['true'] });
    await page.locator('#job-list li', { hasText: 'after the return' }).waitFor({ timeout: 60_000 });
    const heard = await page.evaluate<string>('heard');
    expect(heard).toContain(seen.id);
    expect(heard).not.toContain(unseen.id);
    await page.close();
  });

  test('Cancel stops a running job, and Run again makes a new one linked to it', async () => {
    const { id } = await app.submit({
      name: 'long',
      args: ['simulate', '--duration', '60s', '--error-rate', '0'],
    });
    const page = await open(browser.context, `/jobs/${id}`);
    await untilState(page, 'RUNNING');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await untilState(page, 'CANCELLED');
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.waitForURL((url) => url.pathname !== `/jobs/${id}`);
    await page.getByRole('link', { name: id }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await untilState(page, 'CANCELLED');
    await page.close();
  });

  test('a form with faults names each beside its field and keeps what was typed', async () => {
    const page = await open(browser.context, '/jobs');
    await page.getByLabel('Name', { exact: true }).fill('kept');
    await page.getByText('What it runs, and how').click();
    await page.getByLabel('Completions').fill('none');
    await page.getByLabel('Kept in the cluster').fill('5');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.locator('.fault').first().waitFor();
    expect(await page.locator('.fault').allInnerTexts()).toEqual(['must be a number', 'must be at least 60']);
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('kept');
    expect(await page.getByLabel('Completions').inputValue()).toBe('none');
    await page.close();
  });

  test('without JavaScript the form works and a refresh shows the end', async () => {
    const page = await open(plain.context, '/jobs');
    await page.getByLabel('Name', { exact: true }).fill('plain');
    await page.getByText('What it runs, and how').click();
    await page.getByLabel('Command').fill('sh\n-c\necho plain words');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL(/\/jobs\/[0-9A-Z]{26}$/);
    await app.untilDone(new URL(page.url()).pathname.replace('/jobs/', ''));
    await page.reload();
    expect(await stateOf(page)).toBe('SUCCEEDED');
    await page.getByRole('link', { name: 'Raw text' }).first().click();
    expect(await page.locator('body').innerText()).toContain('plain words');
    await page.close();
  });

  test('script in a name, a report or a log line is text', async () => {
    const script = '<img src=x onerror="document.title=\'owned\'">';
    const { id } = await app.submit({
      name: script,
      command: ['sh', '-c', `printf '%s\\n' "$TEXT"`],
      env: { TEXT: script },
    });
    await app.untilDone(id);
    const page = await open(browser.context, `/jobs/${id}`);
    await page.locator('#log', { hasText: script }).waitFor();
    expect(await page.locator('h1').innerText()).toBe(script);
    expect(await page.title()).not.toBe('owned');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    await page.close();
  });

  test('the API reader shows every call from our own origin', async () => {
    const page = await open(browser.context, '/docs');
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(app.url) && !request.url().startsWith('data:'))
        foreign.push(request.url());
    });
    await page.reload();
    await page.locator('.opblock', { hasText: '/api/v1/jobs' }).first().waitFor();
    expect(foreign).toEqual([]);
    const paper = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await paper();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html.dark-mode').waitFor();
    expect(await paper()).not.toBe(light);
    await page.getByRole('link', { name: 'Jobspawn' }).click();
    await page.waitForURL(/\/jobs$/);
    await page.close();
  });

  test('on a narrow screen a long id leaves the way back in one piece, and nothing sticks out', async () => {
    const id = `${'a23456789-'.repeat(6)}abc`;
    await app.submit({ id, name: 'narrow', command: ['true'] });
    await app.untilDone(id);
    const page = await open(browser.context, `/jobs/${id}`);
    await page.setViewportSize({ width: 360, height: 800 });
    await page.locator('.attempts').waitFor();
    const lines = await page.evaluate(`
      const text = document.createRange();
      text.selectNodeContents(document.querySelector('.trail a'));
      text.getClientRects().length;
    `);
    expect(lines).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.close();
  });

  test('the cluster page says what is there, and a job that tries it runs to its success', async () => {
    for (const context of [browser.context, plain.context]) {
      const page = await open(context, '/jobs');
      await page.getByRole('link', { name: 'Cluster', exact: true }).click();
      await page.locator('#cluster-head[data-verdict="ok"]').waitFor();
      expect(await page.locator('.findings li').count()).toBeGreaterThan(8);
      await page.getByRole('button', { name: 'Try it with a job' }).click();
      await page.waitForURL(/\/jobs\/[0-9A-Z]{26}$/);
      const { state, report } = await app.untilDone(new URL(page.url()).pathname.replace('/jobs/', ''));
      expect({ state, status: report?.status }).toEqual({ state: 'SUCCEEDED', status: 'SUCCESS' });
      await page.close();
    }
  });

  test('no page made the browser complain', () => {
    // The refused form is an answer of 400, which the browser itself notes.
    expect(complaints.filter((text) => !text.includes('400 (Bad Request)'))).toEqual([]);
  });

  test('kubectl shows the same jobs and logs', async () => {
    if (spawnSync('kubectl', ['version', '--client']).error !== undefined) {
      console.warn('kubectl is not on the PATH: what it shows is not compared.');
      return;
    }
    const { id } = await app.submit({ name: 'for kubectl', command: ['sh', '-c', 'echo one; echo two'] });
    const job = await app.untilDone(id);
    const kubectl = async (...args: string[]) =>
      (await promisify(execFile)('kubectl', ['--kubeconfig', app.kubeconfigPath ?? '', ...args])).stdout;
    expect(await kubectl('get', 'jobs,pods')).toMatch(
      new RegExp(`job.batch/${job.kubernetes.name} +Complete +1/1`),
    );
    expect(await kubectl('logs', `job/${job.kubernetes.name}`)).toBe('one\ntwo\n');
  });
});

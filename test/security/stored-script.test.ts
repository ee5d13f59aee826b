import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { startHttpSide } from '../http/http-side.ts';
import { findChromium, howToGetChromium, openChromium } from '../support/chromium.ts';
import { until } from '../support/until.ts';
import { watchPages } from './open-pages.ts';

const executablePath = findChromium();
if (executablePath === undefined) {
  if (process.env['CI'] === 'true') throw new Error(howToGetChromium);
  console.warn(`Script in stored text is not tried in a browser: ${howToGetChromium}.`);
}
const withBrowser = executablePath === undefined ? describe.skip : describe;

/** Text that would act if any page took it for HTML, for an address, for a string of script, or for a terminal's language. */
const payloads = [
  '<script>globalThis.owned = 1; alert(1)</script>',
  '"><img src=x onerror="globalThis.owned = 1">',
  `'"--></style></script></textarea></title></pre><svg onload=globalThis.owned=1>`,
  'javascript:globalThis.owned=1',
  '${globalThis.owned = 1}<%= globalThis.owned = 1 %>{{constructor.constructor("globalThis.owned=1")()}}',
  '<iframe srcdoc="<script>parent.owned=1</script>"></iframe><base href="//evil.example/">',
  '<form action="//evil.example/"><button formaction="javascript:owned=1">Run</button>',
  '<meta http-equiv="refresh" content="0;url=//evil.example/">',
];
const all = payloads.join(' ');
const acting = `\u001b]0;title\u0007\u001b[31mred\u001b[0m\u001b[2J\u0000\u0008\u007f\u009b31m\u202e${all}`;

const isOwned = (page: Page) => page.evaluate(() => 'owned' in globalThis);

withBrowser('text with script and control characters in every field, in a real browser', () => {
  let side: Awaited<ReturnType<typeof startHttpSide>>;
  let browser: Awaited<ReturnType<typeof openChromium>>;
  let seen: Awaited<ReturnType<typeof watchPages>>;
  let id: string;

  beforeAll(async () => {
    side = await startHttpSide();
    browser = await openChromium(executablePath ?? '');
    seen = await watchPages(browser.context);
    id = await storeEverywhere();
  });

  afterAll(async () => {
    await browser?.close();
    await side?.stop();
  });

  /** Whatever of a job is text, with all of that in it: what people, workers, containers and the cluster may say. */
  async function storeEverywhere(): Promise<string> {
    const { id: made } = await side.submit({
      name: all.slice(0, 200),
      image: payloads[1]?.replaceAll(' ', '/'),
      command: [acting.replaceAll('\0', '')],
      args: payloads,
      env: { TEXT: acting.replaceAll('\0', '') },
    });
    side.play.created(made);
    side.podLogs.set(side.play.podName(made), [`${acting}\n`, 'the last line\n']);
    side.play.pod(made);
    const said = { status: acting.slice(0, 256), message: acting, result: { [all]: acting } };
    side.store.addReport({ 'job-id': made, ...said });
    for (const payload of payloads) side.store.addReport({ 'job-id': made, status: payload.slice(0, 256) });
    side.play.pod(made, {
      phase: 'Failed',
      exitCode: 1,
      reason: acting,
      message: acting,
      finishedAt: new Date().toISOString(),
    });
    side.play.ended(made, 'Failed', { reason: acting });
    side.store.addReport({ 'job-id': made, status: 'SUCCESS', message: acting });
    return made;
  }

  /** The page, once all that its own script does has been done. */
  async function open(path: string): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(side.url + path);
    await page.waitForLoadState('load');
    return page;
  }

  test.each(['/jobs', `/jobs?q=${encodeURIComponent(payloads[1] ?? '')}`, '/nowhere', '/docs'])(
    'is text on %s',
    async (path) => {
      const page = await open(path);
      await page.locator('a').first().waitFor();
      expect(await isOwned(page)).toBe(false);
      await page.close();
    },
  );

  test('is text on the page of the job, its log included, and moves nothing there', async () => {
    const page = await open(`/jobs/${id}`);
    await page.locator('#log', { hasText: 'the last line' }).waitFor();
    expect(await isOwned(page)).toBe(false);
    expect(await page.locator('h1').innerText()).toContain('<script>');
    expect(await page.locator('#log').innerText()).toContain('<script>globalThis.owned');
    expect(
      await page
        .locator('script:not([src]), iframe, svg, base, [onerror], [onload], meta[content*=evil]')
        .count(),
    ).toBe(0);
    const text = await page.locator('body').innerText();
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(text).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]/);
    await page.close();
  });

  test('comes back in a refused form as what was typed', async () => {
    const page = await open('/jobs');
    await page.getByText('What it runs, and how').click();
    await page.getByLabel('Name', { exact: true }).fill(payloads[2] ?? '');
    await page.getByLabel('Image').fill(all);
    await page.getByLabel('Command').fill(all);
    await page.getByLabel('Environment').fill(all);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.locator('.fault').first().waitFor();
    expect(await page.getByLabel('Command').inputValue()).toBe(all);
    expect(await isOwned(page)).toBe(false);
    await page.close();
  });

  test.each(['', '/logs', '/events'])('is no page when the API says it: %s', async (part) => {
    const page = await open(`/api/v1/jobs/${id}${part}`);
    expect(await isOwned(page)).toBe(false);
    expect(await page.locator('script, iframe, svg').count()).toBe(0);
    await page.close();
  });

  test('made nothing act: no dialog, no error, no violation of the policy', () => {
    expect(seen).toEqual({ violations: [], errors: [], dialogs: [] });
  });

  test('would be stopped by the policy if a page let it through, and that would have been counted', async () => {
    const page = await open('/jobs');
    await page.evaluate(`
      const script = document.createElement('script');
      script.textContent = 'globalThis.owned = 1';
      const image = document.createElement('img');
      image.setAttribute('onerror', 'globalThis.owned = 1');
      image.src = '/nowhere.png';
      document.body.append(script, image);
    `);
    await until(() => seen.violations.length >= 2);
    expect(await isOwned(page)).toBe(false);
    expect(new Set(seen.violations)).toEqual(new Set(['script-src-elem inline', 'script-src-attr inline']));
    await page.close();
  });
});

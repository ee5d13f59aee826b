import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { startHttpSide } from '../http/http-side.ts';
import { findChromium, howToGetChromium, openChromium } from '../support/chromium.ts';
import { until } from '../support/until.ts';

const executablePath = findChromium();
if (executablePath === undefined) {
  if (process.env['CI'] === 'true') throw new Error(howToGetChromium);
  console.warn(`Pages of other sites are not tried in a browser: ${howToGetChromium}.`);
}
const withBrowser = executablePath === undefined ? describe.skip : describe;

/** The name of a site that wishes us ill. It leads to this machine. */
const evil = 'evil.test';
const evilPage = '<!doctype html><title>evil</title><body>';

withBrowser('a page of another site, in a real browser', () => {
  let side: Awaited<ReturnType<typeof startHttpSide>>;
  let browser: Awaited<ReturnType<typeof openChromium>>;
  const servers: Server[] = [];
  let page: Page;
  let own: string;
  let foreign: string;
  let rebound: string;

  beforeAll(async () => {
    side = await startHttpSide();
    own = side.url;
    foreign = `http://${evil}:${await serve((_req, res) => res.setHeader('Content-Type', 'text/html').end(evilPage))}`;
    // Its own server speaks first; then the same name and port mean us.
    const reboundPort = await serve((req, res) => {
      if (req.url === '/') return res.setHeader('Content-Type', 'text/html').end(evilPage);
      const { method, url: path, headers } = req;
      const onward = forward({ host: '127.0.0.1', port: side.port, method, path, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(res);
      });
      return req.pipe(onward);
    });
    rebound = `http://${evil}:${reboundPort}`;
    browser = await openChromium(executablePath ?? '', {
      hostRules: `MAP ${evil} 127.0.0.1`,
    });
  });

  afterEach(() => page?.close());

  afterAll(async () => {
    await browser?.close();
    await side?.stop();
    for (const server of servers) server.close();
  });

  async function serve(answer: (req: IncomingMessage, res: ServerResponse) => unknown): Promise<number> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    return address.port;
  }

  async function visit(address: string): Promise<void> {
    page = await browser.context.newPage();
    await page.goto(address);
  }

  /** What a form of this page would do when it is sent; resolves with the status that the browser was given. */
  async function sendForm(action: string, fields: string, enctype = 'application/x-www-form-urlencoded') {
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.evaluate(`
      const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(action)}, enctype: '${enctype}' });
      form.innerHTML = ${JSON.stringify(fields)};
      document.body.append(form);
      form.submit();
    `);
    const status = (await answer).status();
    await page.waitForURL(({ origin }) => origin === own);
    return status;
  }

  const nameField = '<input name="name" value="from elsewhere">';

  test('submits no job by a form, and cancels none', async () => {
    const { id } = await side.submit();
    const before = side.store.lastSeq();
    await visit(foreign);
    expect(await sendForm(`${own}/jobs`, nameField)).toBe(403);
    await page.goto(foreign);
    expect(await sendForm(`${own}/jobs/${id}/cancel`, '')).toBe(403);
    await page.goto(foreign);
    expect(await sendForm(`${own}/runajob`, '<input name="job-name" value="x">')).toBe(403);
    await page.goto(foreign);
    // The old trick: JSON in the name of a field, as plain text.
    const json = `<input name='{"name":"x","env":{"A":"' value='"}}'>`;
    expect(await sendForm(`${own}/api/v1/jobs`, json, 'text/plain')).toBe(403);
    expect(side.store.lastSeq()).toBe(before);
  });

  test('submits no job by script, whatever way it is sent, and reads nothing', async () => {
    const before = side.store.lastSeq();
    const from = side.lines.length;
    await visit(foreign);
    const outcomes = await page.evaluate(`(async () => {
      const url = ${JSON.stringify(own)};
      const attempt = (send) => send().then((answer) => answer.type, () => 'refused');
      const json = { method: 'POST', body: '{"name":"x"}' };
      return [
        await attempt(() => fetch(url + '/api/v1/jobs', { ...json, mode: 'no-cors' })),
        await attempt(() => fetch(url + '/api/v1/jobs', { ...json, headers: { 'content-type': 'application/json' } })),
        await attempt(() => fetch(url + '/jobs', { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ name: 'x' }) })),
        await attempt(() => fetch(url + '/api/v1/jobs')),
        await attempt(() => fetch(url + '/api/v1/jobs', { mode: 'no-cors' })),
        navigator.sendBeacon(url + '/jobs', new URLSearchParams({ name: 'x' })),
      ];
    })()`);
    // What is left is what a browser shows of nobody: neither status nor body, or, by our resource policy, nothing at all.
    expect(outcomes).toEqual(['refused', 'refused', 'refused', 'refused', 'refused', true]);
    await until(() => side.lines.slice(from).filter((line) => line.includes('"POST"')).length >= 3);
    expect(side.store.lastSeq()).toBe(before);
  });

  test('shows none of ours in a frame, and gets no hold of a window of ours', async () => {
    await visit(foreign);
    const frameGone = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('iframe'), { src: '${own}/jobs' }))`,
    );
    await frameGone;
    const popup = page.waitForEvent('popup');
    await page.evaluate(`globalThis.opened = open('${own}/jobs')`);
    const opened = await popup;
    await opened.waitForLoadState();
    await until(() => page.evaluate('opened.closed'));
    expect(await opened.evaluate('opener')).toBeNull();
    await opened.close();
  });

  test('that turns its name to our address (DNS rebinding) is answered 421, and can do and read nothing', async () => {
    const { id } = await side.submit({ name: 'a secret of ours' });
    const before = side.store.lastSeq();
    await visit(rebound);
    const statuses = await page.evaluate(`(async () => {
      const status = (path, options) => fetch(path, options).then(async (answer) => answer.status + ((await answer.text()).includes('secret') ? ' told' : ' kept'));
      const post = (body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return [
        await status('/api/v1/jobs'),
        await status('/jobs'),
        await status('/api/v1/jobs/${id}/logs'),
        await status('/assets/main.js'),
        await status('/api/v1/jobs', post('{"name":"x"}')),
        await status('/api/v1/jobs/${id}/cancel', { method: 'POST' }),
        await status('/status', post('{"job-id":"${id}","status":"SUCCESS"}')),
      ];
    })()`);
    expect(statuses).toEqual([
      '421 kept',
      '421 kept',
      '421 kept',
      '421 kept',
      '421 kept',
      '421 kept',
      '401 kept',
    ]);
    expect(side.store.lastSeq()).toBe(before);
    expect(side.store.findJob(id)?.state).toBe('QUEUED');
  });

  test('is told apart from ours, whose form goes through', async () => {
    await visit(`${own}/jobs`);
    expect(await sendForm('/jobs', nameField)).toBe(303);
    await page.waitForURL(/\/jobs\/[0-9A-Z]{26}$/);
  });
});

/**
 * `npm run screenshots`: the pictures in the README, made from the running pages with jobs of every fate in them.
 */
import { mkdirSync } from 'node:fs';
import { findChromium, howToGetChromium, openChromium } from '../support/chromium.ts';
import { startTestApp } from '../support/running-app.ts';
import { until } from '../support/until.ts';

const dir = process.argv[2] ?? 'docs/images';
const executablePath = findChromium();
if (executablePath === undefined) throw new Error(howToGetChromium);

const simulate = (duration: string, errorRate: number) => [
  'simulate',
  '--duration',
  duration,
  '--error-rate',
  String(errorRate),
];

const app = await startTestApp();
mkdirSync(dir, { recursive: true });
try {
  await app.submit({ name: 'import customers', args: simulate('1s', 0) });
  await app.submit({ name: 'send invoices', args: simulate('1s', 1) });
  const render = await app.submit({
    name: 'render 8 pages',
    args: simulate('1s', 0),
    completions: 8,
    parallelism: 4,
    completionMode: 'Indexed',
  });
  await app.untilDone(render.id);
  const cancelled = await app.submit({ name: 'reindex everything', args: simulate('60s', 0) });
  await until(async () => (await app.findJob(cancelled.id)).state === 'RUNNING');
  await fetch(`${app.url}/api/v1/jobs/${cancelled.id}/cancel`, { method: 'POST' });
  await app.untilDone(cancelled.id);
  await app.submit({ name: 'an image that is nowhere', image: 'registry.example/nothing:1' });
  const report = await app.submit({ name: 'nightly report', args: simulate('20s', 0) });
  await until(async () => ((await app.findJob(report.id)).report?.progress ?? 0) >= 40, {
    timeoutMs: 30_000,
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    const browser = await openChromium(executablePath, { colorScheme, deviceScaleFactor: 1.5 });
    const page = await browser.context.newPage();
    const shoot = async (name: string, path: string) => {
      await page.goto(app.url + path);
      await page.waitForTimeout(700);
      await page.screenshot({ path: `${dir}/${name}${colorScheme === 'dark' ? '-dark' : ''}.png` });
    };
    await shoot('jobs', '/jobs');
    await shoot('job', `/jobs/${report.id}`);
    await browser.close();
  }
} finally {
  await app.stop();
}

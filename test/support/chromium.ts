import { existsSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

/** The browser to test with: `CHROMIUM_PATH`, or the first of the usual places; undefined where there is none. */
export function findChromium(): string | undefined {
  return [process.env['CHROMIUM_PATH'] ?? '', ...places].find((path) => path !== '' && existsSync(path));
}

export const howToGetChromium =
  'no Chromium found: install one (Debian: apt-get install chromium) or set CHROMIUM_PATH';

/** A headless browser with a profile of its own; `close` removes both. */
export async function openChromium(
  executablePath: string,
  {
    hostRules,
    ...options
  }: {
    deviceScaleFactor?: number;
    javaScriptEnabled?: boolean;
    colorScheme?: 'dark' | 'light';
    /** Names that lead elsewhere than DNS says, such as `MAP evil.test 127.0.0.1`. */
    hostRules?: string;
  } = {},
) {
  const profile = mkdtempSync(join(tmpdir(), 'jobspawn-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1280, height: 900 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(hostRules === undefined ? [] : [`--host-resolver-rules=${hostRules}`]),
    ],
    ...options,
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

const place = [process.env['CHROMIUM'], ...PLACES].find((path) => path && existsSync(path));
const isRequired = process.env['CI'] === 'true' || process.env['REQUIRE_SERVICES'] === '1';

/** Tests in a real browser: skipped for all to see where there is none, and a failure where there must be one. */
export const describeInBrowser: typeof describe.skip =
  place || isRequired ? describe : describe.skip;

/** @throws Error where there is no Chromium. */
export async function startBrowser(): Promise<Browser> {
  if (!place) throw new Error(`There is no Chromium at ${PLACES.join(', ')}. Set CHROMIUM.`);
  return chromium.launch({ executablePath: place, args: FLAGS });
}

/** Runs something with a page of its own. Without JavaScript, unless it is asked for. */
export async function withPage<T>(
  browser: Browser,
  use: (page: Page) => Promise<T>,
  options: BrowserContextOptions = {},
): Promise<T> {
  const context = await browser.newContext({ javaScriptEnabled: false, ...options });
  try {
    return await use(await context.newPage());
  } finally {
    await context.close();
  }
}

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { describeWithChromium } from './services.js';

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** Tests in a real browser: skipped for all to see where there is none, and a failure where there must be one. */
export const describeInBrowser = describeWithChromium;

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'], args: FLAGS });
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

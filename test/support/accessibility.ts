import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds fault with on a page: each place, and why. The page must be one with JavaScript. */
export async function violations(page: Page): Promise<string[]> {
  const axe = createRequire(import.meta.url).resolve('axe-core');
  await page.evaluate(await readFile(axe, 'utf8'));
  const found = await page.evaluate<Violation[]>('axe.run().then((r) => r.violations)');
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => [id, help, html, failureSummary].join('\n')),
  );
}

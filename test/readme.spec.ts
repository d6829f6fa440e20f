import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackgroundModule, BackgroundService, type Job } from '../src/index.js';
import { BACKGROUND_OPTIONS } from '../src/registry/background-options.js';
import { compileErrors } from './support/compile.js';
import { firstCells, linkedFiles, pages, ROOT, tsBlocks } from './support/markdown.js';

describe('The README and the pages of docs', () => {
  it('have blocks of code that compile', () => {
    const blocks = pages().flatMap(tsBlocks);
    expect(blocks.length).toBeGreaterThan(5);
    // With one that does not, to see that it would be found.
    const code = "import { print } from 'nestjs-background';\nprint.loudly();\n";
    const broken = { place: 'docs/broken.md:3', file: 'block-1.ts', code };
    expect(compileErrors([...blocks, broken])).toEqual([
      expect.stringMatching(/^docs\/broken\.md:3, line 2 of the block: Property 'loudly'/),
    ]);
  }, 60_000);

  it.each(pages())('link to files that are there: %s', (page) => {
    const missing = linkedFiles(page).filter((file) => !existsSync(join(ROOT, file)));
    expect(missing).toEqual([]);
  });

  it('list every option of @Background()', () => {
    const listed = firstCells('README.md', '@Background()');
    expect(listed.sort()).toEqual(Object.keys(BACKGROUND_OPTIONS).sort());
  });

  it('list every option of forRoot()', () => {
    expect(firstCells('README.md', 'forRoot()').sort()).toEqual(optionsOfForRoot().sort());
  });
});

/** An option of no name at all is answered with those that are known. */
function optionsOfForRoot(): string[] {
  try {
    BackgroundModule.forRoot({ '?': 1 } as object);
  } catch (error) {
    return /Known are: (.*)\./.exec(String(error))![1]!.split(', ');
  }
  throw new Error('An option of no name was accepted.');
}

describe("The README's main example", () => {
  let folder: string;
  let app: INestApplication;
  let origin: string;

  beforeAll(async () => {
    await mkdir(join(ROOT, '.cache'), { recursive: true });
    folder = await mkdtemp(join(ROOT, '.cache/readme-'));
    const [main] = tsBlocks('README.md');
    await writeFile(join(folder, main!.file), main!.code);
    const { AppModule } = (await import(join(folder, main!.file))) as { AppModule: Type };
    app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    origin = `http://127.0.0.1:${port}`;
  });

  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  it('is answered with a redirect, and shows its output, progress and result there', async () => {
    const answer = await fetch(`${origin}/reports/7/build`, { redirect: 'manual' });
    const location = answer.headers.get('location')!;
    const [, id] = /^\/reports\/7\/build\?_t=([0-9a-f-]{36})$/.exec(location)!;
    expect(answer.status).toBe(303);
    expect(await (await fetch(origin + location)).text()).toMatch(/^Started \S+\n/);

    expect(await app.get(BackgroundService).wait(id!)).toBe(3);
    const lines = (await (await fetch(origin + location)).text()).split('\n');
    const printed = ['report 7: cover', 'report 7: figures', 'report 7: index', ''];
    expect(lines.slice(1)).toEqual(printed);
    const asJson = { headers: { accept: 'application/json' } };
    const job = (await (await fetch(origin + location, asJson)).json()) as Job;
    expect(job).toMatchObject({ done: true, state: 'completed', result: 3 });
    expect(job.progress).toEqual({ value: 100, data: null });
  }, 30_000);
});

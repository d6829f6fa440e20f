import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { BackgroundModuleOptions, BackgroundService } from '../../src/index.js';
import { builtLibrary, builtUrl } from '../support/built.js';
import { MemoryLogger } from '../support/memory-logger.js';
import type { Crunch } from './fixtures/crunch.js';

export interface ThreadAppUnderTest {
  readonly app: INestApplicationContext;
  readonly crunch: Crunch;
  readonly service: BackgroundService;
  readonly log: MemoryLogger;
}

const open = new Set<INestApplicationContext>();

/** An application that has threads; `fixture` makes theirs. */
export async function startThreads(
  fixture = 'worker-app',
  background: BackgroundModuleOptions = {},
): Promise<ThreadAppUnderTest> {
  const { BackgroundModule, BackgroundService: Service } = await builtLibrary();
  const { Crunch: Work } = (await import(builtUrl('test/threads/fixtures/crunch.ts'))) as {
    Crunch: typeof Crunch;
  };
  class MainModule {}
  const given = { app: fixtureUrl(fixture), max: 1, grace: 50, ...background.threads };
  const threads = 'threads' in background && !background.threads ? undefined : given;
  const log = new MemoryLogger();
  const app = await NestFactory.createApplicationContext(
    {
      module: MainModule,
      imports: [BackgroundModule.forRoot({ shutdown: { grace: 0 }, ...background, threads })],
      providers: [Work],
    },
    { logger: log, abortOnError: false },
  );
  open.add(app);
  return { app, log, crunch: app.get(Work), service: app.get(Service) };
}

export function fixtureUrl(fixture: string): string {
  return builtUrl(`test/threads/fixtures/${fixture}.ts`);
}

/** Closes what the tests have opened. */
export async function closeThreads(): Promise<void> {
  await Promise.all([...open].map((app) => app.close()));
  open.clear();
}

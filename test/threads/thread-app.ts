import { NestFactory } from '@nestjs/core';
import type { BackgroundModuleOptions } from '../../src/index.js';
import { builtLibrary, builtUrl } from '../support/built.js';
import { MemoryLogger } from '../support/memory-logger.js';
import type { Crunch } from './fixtures/crunch.js';
import { SharedApps, type AppUnderTest } from './shared-apps.js';

export interface ThreadAppUnderTest extends AppUnderTest {
  readonly crunch: Crunch;
}

const apps = new SharedApps(makeApp);

/** An application that has threads; `fixture` makes theirs. */
export function startThreads(
  fixture = 'worker-app',
  background: BackgroundModuleOptions = {},
): Promise<ThreadAppUnderTest> {
  return apps.start(fixture, background);
}

/** The same, but tests with the same options share it. */
export function sharedThreads(
  fixture = 'worker-app',
  background: BackgroundModuleOptions = {},
): Promise<ThreadAppUnderTest> {
  return apps.share(fixture, background);
}

/** Closes what a test has opened. */
export function closeThreads(): Promise<void> {
  return apps.afterTest();
}

/** Closes what the tests share, too. */
export function closeSharedThreads(): Promise<void> {
  return apps.closeAll();
}

export function fixtureUrl(fixture: string): string {
  return builtUrl(`test/threads/fixtures/${fixture}.ts`);
}

async function makeApp(
  fixture: string,
  background: BackgroundModuleOptions,
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
  return { app, log, crunch: app.get(Work), service: app.get(Service) };
}

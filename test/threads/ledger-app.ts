import { NestFactory } from '@nestjs/core';
import type { Duration } from '../../src/index.js';
import { DataSource } from 'typeorm';
import { builtLibrary, builtUrl } from '../support/built.js';
import { MemoryLogger } from '../support/memory-logger.js';
import type { Ledger, LedgerModule, LedgerOptions } from './fixtures/ledger.js';
import { SharedApps, type AppUnderTest } from './shared-apps.js';

export interface LedgerAppUnderTest extends AppUnderTest {
  readonly ledger: Ledger;
  /** Of the application in this thread. */
  readonly dataSource: DataSource;
}

interface Fixture {
  readonly Ledger: typeof Ledger;
  readonly LedgerModule: typeof LedgerModule;
}

interface PoolOptions {
  readonly grace?: Duration;
  readonly max?: number;
}

const apps = new SharedApps(makeLedger);

/** An application with a database, whose threads have applications on the same one. */
export function startLedger(
  options: LedgerOptions,
  pool: PoolOptions = {},
): Promise<LedgerAppUnderTest> {
  return apps.start(options, pool);
}

/** The same, but tests with the same options share it. */
export function sharedLedger(options: LedgerOptions): Promise<LedgerAppUnderTest> {
  return apps.share(options, {});
}

/** Closes what a test has opened. */
export function closeLedgers(): Promise<void> {
  return apps.afterTest();
}

/** Closes what the tests share, too. */
export function closeSharedLedgers(): Promise<void> {
  return apps.closeAll();
}

async function makeLedger(
  options: LedgerOptions,
  { grace = 50, max = 1 }: PoolOptions,
): Promise<LedgerAppUnderTest> {
  const { BackgroundService: Service } = await builtLibrary();
  const fixture = (await import(builtUrl('test/threads/fixtures/ledger.ts'))) as Fixture;
  const url = new URL(builtUrl('test/threads/fixtures/ledger-app.ts'));
  url.searchParams.set('options', JSON.stringify(options));
  const threads = { app: url, max, grace };
  const log = new MemoryLogger();
  const module = fixture.LedgerModule.on(options, { threads });
  const app = await NestFactory.createApplicationContext(module, { logger: log });
  return {
    app,
    log,
    dataSource: app.get(DataSource),
    ledger: app.get(fixture.Ledger),
    service: app.get(Service),
  };
}

import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import type { BackgroundService, Duration } from '../../src/index.js';
import { DataSource } from 'typeorm';
import { builtLibrary, builtUrl } from '../support/built.js';
import { MemoryLogger } from '../support/memory-logger.js';
import type { Ledger, LedgerModule, LedgerOptions } from './fixtures/ledger.js';

export interface LedgerAppUnderTest {
  readonly app: INestApplicationContext;
  readonly ledger: Ledger;
  readonly service: BackgroundService;
  readonly log: MemoryLogger;
  /** Of the application in this thread. */
  readonly dataSource: DataSource;
}

interface Fixture {
  readonly Ledger: typeof Ledger;
  readonly LedgerModule: typeof LedgerModule;
}

const open = new Set<INestApplicationContext>();

/** An application with a database, whose threads have applications on the same one. */
export async function startLedger(
  options: LedgerOptions,
  { grace = 50, max = 1 }: { grace?: Duration; max?: number } = {},
): Promise<LedgerAppUnderTest> {
  const { BackgroundService: Service } = await builtLibrary();
  const fixture = (await import(builtUrl('test/threads/fixtures/ledger.ts'))) as Fixture;
  const url = new URL(builtUrl('test/threads/fixtures/ledger-app.ts'));
  url.searchParams.set('options', JSON.stringify(options));
  const threads = { app: url, max, grace };
  const log = new MemoryLogger();
  const module = fixture.LedgerModule.on(options, { threads });
  const app = await NestFactory.createApplicationContext(module, { logger: log });
  open.add(app);
  return {
    app,
    log,
    dataSource: app.get(DataSource),
    ledger: app.get(fixture.Ledger),
    service: app.get(Service),
  };
}

/** Closes what the tests have opened. */
export async function closeLedgers(): Promise<void> {
  await Promise.all([...open].map((app) => app.close()));
  open.clear();
}

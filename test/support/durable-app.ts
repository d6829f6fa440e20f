import { Injectable, Scope, type Provider } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  Background,
  currentJob,
  print,
  typeOrmTracker,
  type BackgroundModuleOptions,
  type TypeOrmTrackerOptions,
} from '../../src/index.js';
import { Latch } from './latch.js';
import type { TestDatabase } from './new-database.js';
import { startApp, type TestApp } from './test-app.js';

/** Jobs that wait for the test, and leave a row each time that they are done. */
@Injectable()
export class Durable {
  latch = new Latch();
  readonly seen: unknown[][] = [];
  /** How many rows were written, whether or not they are committed. */
  written = 0;

  constructor(private readonly dataSource: DataSource) {}

  @Background({ name: 'durable' })
  async enter(...args: unknown[]): Promise<number> {
    const { id, attempt } = currentJob()!;
    this.seen.push(args);
    print(`attempt ${attempt}`);
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('${id}')`);
    this.written += 1;
    await this.latch.opened;
    print('done');
    return attempt;
  }

  /** Lets those go on that wait, and has the next ones wait again. */
  nextLatch(): void {
    this.latch.open();
    this.latch = new Latch();
  }
}

@Injectable({ scope: Scope.REQUEST })
export class PerRequest {
  @Background({ name: 'per-request' })
  async run(): Promise<boolean> {
    return this instanceof PerRequest;
  }
}

/** An application whose jobs are kept in the database. */
export function startDurableApp(
  database: TestDatabase,
  tracker: TypeOrmTrackerOptions = {},
  background: BackgroundModuleOptions = {},
  providers: Provider[] = [],
): Promise<TestApp> {
  return startApp({
    imports: [TypeOrmModule.forRoot({ ...database.options, retryAttempts: 0 })],
    providers: [Durable, PerRequest, ...providers],
    background: { tracker: typeOrmTracker({ recovery: 50, ...tracker }), ...background },
  });
}

import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, background, JobTimeoutError } from '../../src/index.js';
import type { PgClient, Wire } from '../../src/transaction/postgres/wire.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';

/** Asks for the first row of many, as a cursor or a stream of `pg` does. */
class Cursor {
  #wire!: Wire;
  #arrived!: () => void;
  readonly first = new Promise<void>((resolve) => (this.#arrived = resolve));

  submit(wire: Wire & { flush?(): void }): void {
    this.#wire = wire;
    wire.parse({ text: 'SELECT generate_series(1, 1000)' });
    wire.bind({});
    wire.execute({ rows: 1 });
    wire.flush?.();
  }

  read(): void {}

  end(): void {
    this.#wire.sync();
  }

  handlePortalSuspended(): void {
    this.#arrived();
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handleReadyForQuery(): void {}
  handleError(): void {}
}

@Injectable()
class Readers {
  constructor(private readonly dataSource: DataSource) {}

  @Background()
  async read(then: (cursor: Cursor) => unknown): Promise<unknown> {
    const runner = this.dataSource.createQueryRunner();
    await runner.query(`INSERT INTO ledger (job) VALUES ('read')`);
    const cursor = new Cursor();
    ((await runner.connect()) as PgClient).query(cursor);
    await cursor.first;
    return then(cursor);
  }
}

describeWithPostgres('A job that has a stream open', () => {
  const prepared = preparedDatabase('postgres');

  afterEach(async () => {
    await closeApps();
    await prepared.outside.query('DELETE FROM ledger');
  });

  const start = (): Promise<TestApp> =>
    startApp({
      imports: [TypeOrmModule.forRoot({ ...prepared.database.options, poolSize: 1 } as never)],
      providers: [Readers],
      background: { concurrency: 2 },
    });
  const rows = async (): Promise<number> =>
    (await prepared.outside.query<unknown[]>('SELECT 1 FROM ledger')).length;
  const toTheEnd = (cursor: Cursor): string => {
    cursor.end();
    return 'read';
  };

  it('fails where it leaves that open, and the next one goes on', async () => {
    const readers = (await start()).get(Readers);
    await expect(readers.read(() => 'left')).rejects.toThrow(/left a stream open/);
    expect(await rows()).toBe(0);
    expect(await readers.read(toTheEnd)).toBe('read');
    expect(await rows()).toBe(1);
  });

  it('is stopped at once, with all that it wrote', async () => {
    const readers = (await start()).get(Readers);
    const never = (): Promise<never> => new Promise(() => {});
    const limited = background(readers, { timeout: 100 });
    await expect(limited.read(never)).rejects.toThrow(JobTimeoutError);
    await expect(readers.read(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readers.read(toTheEnd)).toBe('read');
    expect(await rows()).toBe(1);
  });
});

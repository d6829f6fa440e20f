import { afterEach, describe, expect, it } from '@jest/globals';
import initSqlJs from 'sql.js';
import { readFileSync } from 'node:fs';
import { outsideTransaction, JobTransactionError } from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import {
  freshFile,
  holdingJob,
  Note,
  removeFiles,
  startSqliteApp,
  startSqlJsApp,
  type SqliteApp,
} from './sqlite-app.js';
import { ticking } from './ticking.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

const KINDS: [string, () => Promise<SqliteApp>][] = [
  [':memory:', () => startSqliteApp({ database: ':memory:' })],
  ['sql.js', () => startSqlJsApp()],
];

describe.each(KINDS)('A job on the one connection of %s', (_kind, start) => {
  it('is undone without the rows of requests, which wait for it', async () => {
    const { notes, dataSource } = await start();
    await notes.save('before');
    const { over, goOn } = await holdingJob(notes, 'lost', async () => {
      throw new Error('undone');
    });
    const requests = [
      notes.save('one'),
      dataSource.transaction((manager) => manager.save(Note, { text: 'two' })),
    ];
    goOn();
    await expect(over).rejects.toThrow('undone');
    await Promise.all(requests);
    expect((await notes.texts()).sort()).toEqual(['before', 'one', 'two']);
  });

  it('is not seen by readers before it is committed, and does not stop the event loop', async () => {
    const { notes } = await start();
    const { over, goOn } = await holdingJob(notes);
    let texts: string[] | undefined;
    const longest = await ticking(async (enough) => {
      const reading = notes.texts().then((found) => (texts = found));
      await enough;
      expect(texts).toBeUndefined();
      goOn();
      await reading;
    });
    await over;
    expect(texts).toEqual(['job']);
    expect(longest).toBeLessThan(1_000);
  });

  it('takes turns with other jobs and with transactions of the application', async () => {
    const { notes, dataSource } = await start();
    const jobs = Array.from({ length: 10 }, (_, n) =>
      notes.run(async (repository) => {
        await repository.save({ text: `job ${n}` });
        await dataSource.transaction((manager) => manager.save(Note, { text: `within ${n}` }));
        if (n % 2) throw new Error('undone');
      }),
    );
    const transactions = Array.from({ length: 10 }, (_, n) =>
      dataSource.transaction(async (manager) => {
        await manager.save(Note, { text: `transaction ${n}` });
        if (n % 2) throw new Error('undone');
      }),
    );
    await Promise.allSettled([...jobs, ...transactions]);
    expect(await notes.texts()).toHaveLength(10 + 5);
  });

  it('lets a transaction of the application see its own rows, whatever it reads them with', async () => {
    const { notes, dataSource } = await start();
    const seen = await dataSource.transaction(async (manager) => {
      await manager.save(Note, { text: 'mine' });
      await notes.save('mine too');
      return notes.texts();
    });
    expect(seen).toEqual(['mine', 'mine too']);
  });

  it('is an error at once where the job reads outside of its own transaction', async () => {
    const { notes } = await start();
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'inside' });
      return outsideTransaction(() => repository.count());
    });
    await expect(job).rejects.toThrow(JobTransactionError);
    expect(await notes.texts()).toEqual([]);
  });

  it('sees outside of its transaction what is committed, not what the application is writing', async () => {
    const { notes, dataSource } = await start();
    const [inserted, goOn] = [new Latch(), new Latch()];
    const request = dataSource.transaction(async (manager) => {
      await manager.save(Note, { text: 'undone' });
      inserted.open();
      await goOn.opened;
      throw new Error('undone');
    });
    await inserted.opened;
    const job = notes.run((repository) => {
      const counted = outsideTransaction(() => repository.count());
      setImmediate(goOn.open);
      return counted;
    });
    await expect(request).rejects.toThrow('undone');
    expect(await job).toBe(0);
  });

  it('is undone as a whole where it throws in the midst of a transaction of its own', async () => {
    const { notes, dataSource } = await start();
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'undone' });
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.save(Note, { text: 'undone too' });
      throw new Error('in the midst');
    });
    await expect(job).rejects.toThrow('in the midst');
    await notes.run((repository) => repository.save({ text: 'next' }));
    expect(await notes.texts()).toEqual(['next']);
  });

  it('notices when an error has ended its transaction', async () => {
    const { notes, dataSource } = await start();
    await dataSource.query(
      `CREATE TRIGGER strict BEFORE INSERT ON note WHEN NEW.text = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'bad note'); END`,
    );
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      await repository.save({ text: 'bad' }).catch(() => undefined);
      await repository.save({ text: 'alone' }).catch(() => undefined);
    });
    await expect(job).rejects.toThrow(JobTransactionError);
    expect(await notes.texts()).toEqual([]);
  });
});

describe('sql.js that saves its database in a file', () => {
  it('saves what jobs and requests have committed, and no more', async () => {
    const location = freshFile();
    const { notes, dataSource } = await startSqlJsApp({ location, autoSave: true });
    await notes.save('request');
    const { over, goOn } = await holdingJob(notes, 'job', (repository) =>
      repository.save({ text: 'job too' }),
    );
    const transaction = dataSource.transaction(async (manager) => {
      await manager.save(Note, { text: 'transaction' });
      await notes.save('joined');
    });
    expect(await saved(location)).toEqual(['request']);
    goOn();
    await Promise.all([over, transaction]);
    expect(await saved(location)).toEqual(['request', 'job', 'job too', 'transaction', 'joined']);
  });
});

interface SqlJs {
  Database: new (content: Uint8Array) => { exec(sql: string): { values: string[][] }[] };
}

async function saved(location: string): Promise<string[]> {
  const { Database } = await (initSqlJs as () => Promise<SqlJs>)();
  const [found] = new Database(readFileSync(location)).exec('SELECT text FROM note ORDER BY id');
  return (found?.values ?? []).map(([text]) => text!);
}

import { afterEach, describe, expect, it } from '@jest/globals';
import {
  JobCancelledError,
  JobTransactionError,
  jobOf,
  outsideTransaction,
  print,
  setProgress,
} from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';
import { committed, holdingJob, Note, removeFiles, startSqliteApp } from './sqlite-app.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

describe('A job on a SQLite file', () => {
  it('shows both of its rows to others at the end, and none before', async () => {
    const { notes, file } = await startSqliteApp();
    const { over, goOn } = await holdingJob(notes, 'one', (repository) =>
      repository.save({ text: 'two' }),
    );
    expect(committed(file)).toEqual([]);
    expect(await notes.texts()).toEqual([]);
    goOn();
    await over;
    expect(committed(file)).toEqual(['one', 'two']);
    expect(await notes.texts()).toEqual(['one', 'two']);
  });

  it('leaves nothing behind when it throws after its first row, and runs only once', async () => {
    const { notes, file } = await startSqliteApp();
    let runs = 0;
    const job = notes.run(async (repository) => {
      runs += 1;
      await repository.save({ text: 'one' });
      throw new Error('no two');
    });
    await expect(job).rejects.toThrow('no two');
    expect(runs).toBe(1);
    expect(committed(file)).toEqual([]);
  });

  it('can be watched while its transaction is open, and after its rollback', async () => {
    const { notes, service } = await startSqliteApp();
    const [reported, goOn] = [new Latch(), new Latch()];
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'one' });
      print('written');
      setProgress(50, 'half');
      reported.open();
      await goOn.opened;
      throw new Error('undone');
    });
    const { id } = jobOf(job);
    await reported.opened;
    expect(await service.getProgress(id)).toEqual([50, 'half']);
    expect(await service.output(id)).toBe('written\n');
    goOn.open();
    await expect(job).rejects.toThrow('undone');
    expect(await service.output(id)).toBe('written\n');
  });

  it('sees a row of a request outside of its transaction only when that is committed', async () => {
    const { notes, dataSource } = await startSqliteApp();
    const [inserted, commit] = [new Latch(), new Latch()];
    const request = dataSource.transaction(async (manager) => {
      await manager.save(Note, { text: 'late' });
      inserted.open();
      await commit.opened;
    });
    await inserted.opened;
    const seen: number[] = [];
    const job = notes.run(async (repository) => {
      const find = (): Promise<Note | null> =>
        outsideTransaction(() => repository.findOneBy({ text: 'late' }));
      seen.push((await find()) ? 1 : 0);
      commit.open();
      await until(async () => (await find()) !== null);
      const note = await repository.findOneByOrFail({ text: 'late' });
      await repository.save({ ...note, text: 'changed' });
    });
    await Promise.all([request, job]);
    expect(seen).toEqual([0]);
    expect(await notes.texts()).toEqual(['changed']);
  });

  it('starts after the commit of the transaction it is called in, sees the row, and is never there if that is undone', async () => {
    const { notes, dataSource, service } = await startSqliteApp();
    const found: unknown[] = [];
    const job = await dataSource.transaction(async (manager) => {
      const { id } = await manager.save(Note, { text: 'first' });
      return {
        job: notes.run(async (repository) => found.push(await repository.findOneBy({ id }))),
      };
    });
    await job.job;
    expect(found).toEqual([expect.objectContaining({ text: 'first' })]);
    let undone: Promise<unknown> | undefined;
    const transaction = dataSource.transaction(async () => {
      undone = notes.run(async () => found.push('ran'));
      undone.catch(() => {});
      throw new Error('undone');
    });
    await expect(transaction).rejects.toThrow('undone');
    await expect(undone).rejects.toThrow();
    expect(found).toHaveLength(1);
    expect(await service.find(jobOf(undone!).id)).toBeUndefined();
  });

  it('lets other jobs and requests read and run while it holds its transaction', async () => {
    const { notes } = await startSqliteApp({}, { background: { concurrency: 2 } });
    await notes.save('before');
    const { over, goOn } = await holdingJob(notes);
    for (let n = 0; n < 5; n++) {
      const count = notes.runBare((repository) => repository.count());
      expect(await count).toBe(1);
    }
    expect(await notes.texts()).toEqual(['before']);
    goOn();
    await over;
  });

  it('writes while a hundred jobs and requests do, and no row is lost', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    const jobs = Array.from({ length: 50 }, (_, n) =>
      notes.run(async (repository) => {
        await repository.save({ text: `job ${n}` });
        await new Promise((resolve) => setImmediate(resolve));
        await repository.save({ text: `job ${n} again` });
        if (n % 5 === 0) throw new Error('undone');
      }),
    );
    const requests = Array.from({ length: 50 }, (_, n) =>
      n % 2
        ? notes.save(`request ${n}`)
        : dataSource.transaction((m) => m.save(Note, { text: `request ${n}` })),
    );
    await Promise.allSettled(jobs);
    await Promise.all(requests);
    expect(committed(file)).toHaveLength(40 * 2 + 50);
  });
});

describe('Transactions within a job on SQLite', () => {
  it('are savepoints: one undone takes only its own rows', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    await notes.run(async (repository) => {
      await repository.save({ text: 'kept' });
      const inner = dataSource.transaction(async (manager) => {
        await manager.save(Note, { text: 'undone' });
        throw new Error('inner');
      });
      await expect(inner).rejects.toThrow('inner');
      await dataSource.transaction((manager) => manager.save(Note, { text: 'kept too' }));
    });
    expect(committed(file)).toEqual(['kept', 'kept too']);
  });

  it('are undone with the job that throws in the midst of one, and the next job starts afresh', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'undone' });
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.save(Note, { text: 'undone too' });
      throw new Error('in the midst');
    });
    await expect(job).rejects.toThrow('in the midst');
    await notes.run((repository) => repository.save({ text: 'next' }));
    expect(committed(file)).toEqual(['next']);
  });

  it('have the isolation that SQLite has', async () => {
    const { notes, dataSource } = await startSqliteApp();
    const job = notes.run(() => dataSource.transaction('READ UNCOMMITTED', async () => 1));
    await expect(job).rejects.toThrow('READ UNCOMMITTED cannot be had');
    const same = notes.run(() => dataSource.transaction('SERIALIZABLE', async () => 1));
    await expect(same).resolves.toBe(1);
  });
});

describe('A job that waits for the writer', () => {
  it('is cancelled at once, makes room for other jobs, and does not keep the lock from others', async () => {
    const { notes, service, file } = await startSqliteApp({}, { background: { concurrency: 2 } });
    const { over, goOn } = await holdingJob(notes);
    const started = new Latch();
    const waiting = notes.run(async (repository) => {
      const saved = repository.save({ text: 'never' });
      setImmediate(started.open);
      await saved;
    });
    await started.opened;
    await service.cancel(jobOf(waiting).id);
    await expect(waiting).rejects.toThrow(JobCancelledError);
    await expect(notes.runBare((repository) => repository.count())).resolves.toBe(0);
    goOn();
    await over;
    await notes.save('after');
    expect(committed(file)).toEqual(['job', 'after']);
  });

  it('is an error at once where it writes outside of its own transaction, which holds the lock', async () => {
    const { notes, file } = await startSqliteApp();
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'inside' });
      await outsideTransaction(() => repository.save({ text: 'outside' }));
    });
    await expect(job).rejects.toThrow(JobTransactionError);
    await expect(job).rejects.toThrow(/outside of its transaction, waits for the SQLite file/);
    expect(committed(file)).toEqual([]);
  });

  it('keeps what it wrote outside before its transaction began, though the job fails', async () => {
    const { notes, file } = await startSqliteApp();
    const job = notes.run(async (repository) => {
      await outsideTransaction(() => repository.save({ text: 'outside' }));
      await repository.save({ text: 'inside' });
      throw new Error('undone');
    });
    await expect(job).rejects.toThrow('undone');
    expect(committed(file)).toEqual(['outside']);
  });

  it('with a transaction outside of its own has that committed by itself', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    const job = notes.run(async () => {
      await outsideTransaction(() =>
        dataSource.transaction(async (manager) => {
          await manager.save(Note, { text: 'with the manager' });
          await notes.save('with the repository');
        }),
      );
      throw new Error('undone');
    });
    await expect(job).rejects.toThrow('undone');
    expect(committed(file)).toEqual(['with the manager', 'with the repository']);
  });
});

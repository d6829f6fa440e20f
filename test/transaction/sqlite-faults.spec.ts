import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../support/test-app.js';
import { Latch } from '../support/latch.js';
import { committed, removeFiles, startSqliteApp } from './sqlite-app.js';
import { ticking } from './ticking.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

describe("What TypeORM's one connection to SQLite does to concurrent transactions, cured", () => {
  it('keeps the rows of one request when the transaction of another is rolled back', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    const [inFirst, goOn] = [new Latch(), new Latch()];
    const first = dataSource.transaction(async (manager) => {
      await manager.getRepository(notes.repository.target).save({ text: 'lost' });
      inFirst.open();
      await goOn.opened;
      throw new Error('undone');
    });
    await inFirst.opened;
    const second = dataSource.transaction((manager) =>
      manager.getRepository(notes.repository.target).save({ text: 'kept' }),
    );
    const plain = notes.save('kept too');
    goOn.open();
    await expect(first).rejects.toThrow('undone');
    await Promise.all([second, plain]);
    expect(committed(file)).toEqual(['kept', 'kept too']);
  });

  it("keeps a request's row when a job is rolled back", async () => {
    const { notes, file } = await startSqliteApp();
    const [written, goOn] = [new Latch(), new Latch()];
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      written.open();
      await goOn.opened;
      throw new Error('undone');
    });
    await written.opened;
    const saved = notes.save('kept');
    goOn.open();
    await expect(job).rejects.toThrow('undone');
    await saved;
    expect(committed(file)).toEqual(['kept']);
  });

  it('keeps the rows of one job when another is rolled back', async () => {
    const { notes, file } = await startSqliteApp();
    const results = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map((text, index) =>
        notes.run(async (repository) => {
          await repository.save({ text });
          await repository.save({ text: text.toUpperCase() });
          if (index % 2 === 0) throw new Error(text);
        }),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual([
      ...['rejected', 'fulfilled', 'rejected', 'fulfilled'],
    ]);
    expect(committed(file)).toEqual(['b', 'B', 'd', 'D']);
  });

  it('does not stop the event loop while a job has its transaction open and requests write', async () => {
    const { notes, file } = await startSqliteApp();
    const written = new Latch();
    const goOn = new Latch();
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'job' });
      written.open();
      await goOn.opened;
    });
    await written.opened;
    const longest = await ticking(async (enough) => {
      const writes = [
        notes.save('r1'),
        notes.repository.insert({ text: 'r2' }),
        notes.repository.delete({ text: 'nothing' }),
      ];
      const another = notes.run((repository) => repository.save({ text: 'job 2' }));
      for (let read = 0; read < 50; read++) expect(await notes.texts()).toEqual([]);
      await enough;
      goOn.open();
      await Promise.all([job, another, ...writes]);
    });
    expect(longest).toBeLessThan(1_000);
    expect(committed(file).sort()).toEqual(['job', 'job 2', 'r1', 'r2']);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { JobDeadlockError, outsideTransaction } from '../../src/index.js';
import { closeApps } from '../support/test-app.js';
import { committed, removeFiles, startSqliteApp } from './sqlite-app.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

describe('A job on a SQLite file', () => {
  it('that is awaited by the one that holds the file fails soon, with the circle, and others go on', async () => {
    const { notes, file } = await startSqliteApp();
    const began = performance.now();
    const parent = notes.run(async (repository) => {
      await repository.save({ text: 'parent' });
      return outsideTransaction(() => notes.run((own) => own.save({ text: 'child' })));
    });
    const error: unknown = await parent.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JobDeadlockError);
    expect(error).toMatchObject({ cycle: ['Notes.run', 'Notes.run'] });
    expect((error as Error).message).toMatch(/one writer at a time: let the job await the other/);
    expect(performance.now() - began).toBeLessThan(10_000);
    await notes.run((repository) => repository.save({ text: 'next' }));
    expect(committed(file)).toEqual(['next']);
  });

  it('that the one which holds the file only seems to await writes when that has ended', async () => {
    const { notes, file } = await startSqliteApp();
    const children: Promise<unknown>[] = [];
    await notes.run(async (repository) => {
      await repository.save({ text: 'parent' });
      const child = outsideTransaction(() => notes.run((own) => own.save({ text: 'child' })));
      children.push(child);
      await Promise.race([child, Promise.resolve()]);
    });
    await Promise.all(children);
    expect(committed(file)).toEqual(['parent', 'child']);
  });
});

import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Background, currentJob, print, setProgress } from '../../src/index.js';

/** Jobs that are called in one process and run in another. They wait for rows, since they share nothing else. */
@Injectable()
export class Far {
  constructor(private readonly dataSource: DataSource) {}

  @Background({ name: 'far.add' })
  async add(a: number, b: number): Promise<{ sum: number; pid: number }> {
    print(`adding in ${process.pid}`);
    await Promise.resolve();
    return { sum: a + b, pid: process.pid };
  }

  @Background({ name: 'far.fail' })
  async fail(): Promise<void> {
    await Promise.resolve();
    throw new TypeError('boom');
  }

  @Background({ name: 'far.nest' })
  async nest(depth: number): Promise<number> {
    return depth === 0 ? 0 : 1 + (await this.nest(depth - 1));
  }

  @Background({ name: 'far.flaky', retries: { limit: 2, delay: 50, backoff: 'fixed' } })
  async flaky(): Promise<number> {
    const { attempt } = currentJob()!;
    print(`attempt ${attempt}`);
    await Promise.resolve();
    if (attempt < 3) throw new Error('not yet');
    return attempt;
  }

  @Background({ name: 'far.slow', timeout: 50, onTimeout: 'value' })
  async slow(): Promise<void> {
    await new Promise<void>((resolve) =>
      currentJob()!.signal.addEventListener('abort', () => resolve()),
    );
  }

  @Background({ name: 'far.once', unique: { key: (what: string) => what } })
  async once(what: string): Promise<string> {
    await this.open(what);
    return what;
  }

  /** Leaves a row, and ends when the door is open; stops when it is cancelled. */
  @Background({ name: 'far.enter' })
  async enter(door: string): Promise<number> {
    const { id, attempt } = currentJob()!;
    await this.dataSource.query('INSERT INTO ledger (job, attempt) VALUES ($1, $2)', [id, attempt]);
    print(`attempt ${attempt} in ${process.pid}`);
    setProgress(50, { door });
    await this.open(door);
    print('done');
    return attempt;
  }

  /** Holds its thread as a computation does, so that nothing else there gets its turn; other processes have theirs. */
  @Background({ name: 'far.compute' })
  async compute(ms: number): Promise<number> {
    const { id, attempt } = currentJob()!;
    await this.dataSource.query('INSERT INTO ledger (job, attempt) VALUES ($1, $2)', [id, attempt]);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return attempt;
  }

  private async open(door: string): Promise<void> {
    const { signal } = currentJob()!;
    const isOpen = async (): Promise<boolean> =>
      (await this.dataSource.query<unknown[]>('SELECT 1 FROM door WHERE name = $1', [door]))
        .length > 0;
    while (!signal.aborted && !(await isOpen()))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

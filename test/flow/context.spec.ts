import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { currentJob, print, setProgress } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

describe('A thousand jobs at once', () => {
  it('each keep their own output, however they write it', async () => {
    const app = await startJobs({ concurrency: 1_000, output: { console: 'capture' } });
    const allRunning = new Latch();
    let running = 0;
    const work = (n: number) => async (): Promise<void> => {
      if (++running === 1_000) allRunning.open();
      await allRunning.opened;
      print(`print ${n}`);
      const emitter = new EventEmitter().on('event', () => console.log(`emitter ${n}`));
      const timer = later(n % 7).then(() => later(0, console.log(`timer ${n}`)));
      const fired = once(emitter, 'fired');
      setImmediate(() => process.nextTick(() => emitter.emit('event') && emitter.emit('fired')));
      await Promise.all([timer, fired, Promise.resolve().then(() => console.error(`all ${n}`))]);
      currentJob()!.print(`end ${n}`);
    };
    const jobs = Array.from({ length: 1_000 }, (_, n) => app.run(work(n)));
    await Promise.all(jobs);
    for (const [n, job] of jobs.entries()) {
      const lines = (await app.service.output(job.id)).trimEnd().split('\n');
      expect(lines.toSorted()).toEqual([
        ...[`all ${n}`, `emitter ${n}`, `end ${n}`, `print ${n}`, `timer ${n}`],
      ]);
    }
  });

  it('each report their own progress', async () => {
    const app = await startJobs({ concurrency: 1_000 });
    const jobs = Array.from({ length: 1_000 }, (_, n) =>
      app.run(async () => {
        await later(n % 5);
        setProgress(n);
      }),
    );
    await Promise.all(jobs);
    const reported = await Promise.all(jobs.map(async (job) => (await job.job()).progress?.value));
    expect(reported).toEqual(jobs.map((_, n) => n));
  });
});

describe('A job', () => {
  const storage = new AsyncLocalStorage<string>();

  it("runs in its caller's async context", async () => {
    const app = await startJobs({ concurrency: 1 });
    const ask = async (): Promise<unknown> => {
      await later(1);
      return storage.getStore();
    };
    const jobs = ['a', 'b', 'c'].map((name) => storage.run(name, () => app.run(ask)));
    expect(await Promise.all([...jobs, app.run(ask)])).toEqual(['a', 'b', 'c', undefined]);
  });

  it('runs there too where it was delayed, and when it runs again', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const seen: unknown[] = [];
    const work = (): never => {
      seen.push(storage.getStore());
      throw new Error('boom');
    };
    storage.run('caller', () => void app.run(work, { delay: '1s', retries: 2 }));
    await storage.run('somebody else', () => clock.advance(60_000));
    expect(seen).toEqual(['caller', 'caller', 'caller']);
  });

  it('does not leave its context to the job that takes its slot', async () => {
    const app = await startJobs({ concurrency: 1 });
    const jobs = [
      app.run(() => storage.enterWith('left behind')),
      app.run(() => [storage.getStore(), currentJob()?.id]),
    ];
    expect((await Promise.all(jobs))[1]).toEqual([undefined, jobs[1]!.id]);
  });

  it('is hidden from the jobs that it starts: each has its own output and its own context', async () => {
    const app = await startJobs();
    const parent = app.run(async () => {
      print('parent');
      const child = app.run(() => {
        print('child');
        setProgress(7);
        return currentJob()!.id;
      });
      expect(await child).toBe(child.id);
      expect(currentJob()!.id).not.toBe(child.id);
      print('parent again');
      return child;
    });
    const childId = await parent;
    expect(await app.service.output(parent.id)).toBe('parent\nparent again\n');
    expect(await app.service.output(childId)).toBe('child\n');
    expect((await parent.job()).progress).toBeNull();
    expect(await app.service.find(childId)).toMatchObject({ parentId: parent.id });
    expect((await parent.job()).parentId).toBeUndefined();
  });

  it('knows itself: id, name, attempt, signal', async () => {
    const app = await startJobs();
    const job = app.run(async () => {
      await later(0);
      const { id, name, attempt, signal } = currentJob()!;
      expect(currentJob()!.signal).toBe(signal);
      return { id, name, attempt, aborted: signal.aborted };
    });
    const expected = { id: job.id, name: 'AnyJob.run', attempt: 1, aborted: false };
    expect(await job).toEqual(expected);
    expect(currentJob()).toBeUndefined();
  });

  it('is not known to code outside that happens to run at the same time', async () => {
    const app = await startJobs();
    const latch = new Latch();
    const job = app.run(() => latch.opened);
    await until(async () => (await job.job()).state === 'running');
    expect(currentJob()).toBeUndefined();
    latch.open();
    await job;
    expect(currentJob()).toBeUndefined();
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BackgroundOptionsError,
  currentJob,
  JobContextError,
  setProgress,
} from '../../src/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

type Progress = [number, unknown] | null;

/** What getProgress gives from within the job, after each of its steps. */
async function progressIn(app: JobsApp, steps: readonly (() => void)[]): Promise<Progress[]> {
  return app.run(async () => {
    const seen: Progress[] = [];
    for (const step of steps) {
      step();
      seen.push(await app.service.getProgress(currentJob()!.id));
    }
    return seen;
  });
}

describe('The progress of a job', () => {
  it('is [-1, null] right after the call, never null', async () => {
    const app = await startJobs({ concurrency: 1 });
    const latch = new Latch();
    const jobs = [app.run(() => latch.opened), app.run(() => latch.opened)];
    for (const { id } of jobs) expect(await app.service.getProgress(id)).toEqual([-1, null]);
    latch.open();
  });

  it('is [-1, null] as long as a running job has reported nothing', async () => {
    const app = await startJobs();
    const latch = new Latch();
    const job = app.run(() => latch.opened);
    await until(async () => (await job.job()).state === 'running');
    expect(await app.service.getProgress(job.id)).toEqual([-1, null]);
    expect((await job.job()).progress).toBeNull();
    latch.open();
  });

  it('is what was last reported, and what is not given is null', async () => {
    const app = await startJobs();
    const seen = await progressIn(app, [
      () => setProgress(0, { hello: 'àèìòù' }),
      () => setProgress(1),
      () => setProgress(-5.5, [1, { two: 2 }]),
      () => setProgress(1e9, undefined),
    ]);
    expect(seen).toEqual([
      [0, { hello: 'àèìòù' }],
      [1, null],
      [-5.5, [1, { two: 2 }]],
      [1e9, null],
    ]);
  });

  it('is null after the end, after a throw, and for an unknown id', async () => {
    const app = await startJobs();
    const done = app.run(() => setProgress(50));
    const thrown = app.run(() => {
      setProgress(50);
      throw new Error('boom');
    });
    await Promise.allSettled([done, thrown]);
    for (const id of [done.id, thrown.id, 'unknown', '']) {
      expect(await app.service.getProgress(id)).toBeNull();
    }
    expect(await done.job()).toMatchObject({ state: 'completed', progress: { value: 50 } });
    expect((await thrown.job()).state).toBe('failed');
    expect(await app.service.find('unknown')).toBeUndefined();
  });

  it('is kept as it was reported, though its data change afterwards', async () => {
    const app = await startJobs();
    const data = { pages: [1] };
    const seen = await progressIn(app, [
      () => {
        setProgress(1, data);
        data.pages.push(2);
      },
    ]);
    expect(seen).toEqual([[1, { pages: [1] }]]);
  });

  it('is reported through the context and the service as well', async () => {
    const app = await startJobs();
    const seen = await progressIn(app, [
      () => currentJob()!.setProgress(1, 'a'),
      () => app.service.setProgress(2, 'b'),
    ]);
    expect(seen).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  it('is dropped where it comes after the end', async () => {
    const app = await startJobs();
    let late!: () => void;
    const job = app.run(() => {
      const { setProgress } = currentJob()!;
      late = () => setProgress(99);
      setProgress(1);
    });
    await job;
    late();
    expect((await job.job()).progress).toEqual({ value: 1, data: null });
  });

  it('takes data that JSON cannot write whole, as far as it can', async () => {
    const app = await startJobs();
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const seen = await progressIn(app, [
      () => setProgress(1, circle),
      () => setProgress(2, 10n),
      () => setProgress(3, () => 'code'),
    ]);
    expect(seen).toEqual([
      [1, { self: '[Circular]' }],
      [2, '10'],
      [3, null],
    ]);
  });

  it.each([NaN, Infinity, -Infinity, '50', null, undefined, {}, 5n])(
    'is refused where it is %p',
    async (value) => {
      const app = await startJobs();
      const job = app.run(() => setProgress(value as number));
      await expect(job).rejects.toThrow(BackgroundOptionsError);
      await expect(job).rejects.toThrow(/setProgress\(\) was given .*finite number/);
    },
  );

  it('is refused outside a job, with what to do', async () => {
    const app = await startJobs();
    expect(() => setProgress(1)).toThrow(JobContextError);
    expect(() => app.service.setProgress(1)).toThrow(/outside a job.*@Background\(\)/);
    expect(currentJob()).toBeUndefined();
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import {
  background,
  Background,
  jobOf,
  memoryTracker,
  timedQuery,
  type BackgroundOptions,
  type JobFuture,
  type JobTracker,
} from '../../src/index.js';
import { Injectable } from '@nestjs/common';
import { fakeClock } from '../../src/testing/index.js';
import { Latch } from '../support/latch.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';

afterEach(closeApps);

/** Runs whatever a test wants to be run as a job of its application. */
@Injectable()
class Work {
  @Background()
  async run(code: () => Promise<unknown>): Promise<unknown> {
    return code();
  }
}

function inJob(
  app: TestApp,
  code: () => Promise<unknown>,
  options?: BackgroundOptions,
): JobFuture<unknown> {
  return jobOf(background(app.get(Work), options).run(code));
}

/** A tracker that notes how often it was told what a job is at. */
function countingTracker(): { tracker: JobTracker; told: () => number } {
  const tracker = memoryTracker();
  const setActivity = tracker.setActivity!.bind(tracker);
  let told = 0;
  tracker.setActivity = (...args) => {
    told += 1;
    return setActivity(...args);
  };
  return { tracker, told: () => told };
}

describe('What a job waits for', () => {
  it('is another job, from when that lasts for a moment until it goes on', async () => {
    const clock = fakeClock();
    await using app = await startApp({ providers: [Tasks, Work], background: { clock } });
    const tasks = app.get(Tasks);
    const [began, end] = [new Latch(), new Latch()];
    const parent = inJob(app, async () => {
      const child = jobOf(tasks.run());
      began.open();
      await child;
      await end.opened;
    });
    await began.opened;
    const since = new Date(clock.now()).toISOString();
    await clock.advance(249);
    expect((await parent.job()).waitsFor).toBeUndefined();
    await clock.advance(1);
    const [child] = await app.service.list({ name: 'Tasks.run' });
    expect((await parent.job()).waitsFor).toEqual({
      what: 'job',
      name: 'Tasks.run',
      id: child!.id,
      since,
    });
    tasks.gate.open();
    await clock.advance(0);
    expect(await parent.job()).not.toHaveProperty('waitsFor');
    end.open();
    await parent;
    expect(clock.pending).toBe(1); // Of the retention.
  });

  it('is the one that is left, where it waits for several', async () => {
    const clock = fakeClock();
    await using app = await startApp({ providers: [Work], background: { clock } });
    const gates = { a: new Latch(), b: new Latch() };
    const a = inJob(app, () => gates.a.opened, { name: 'first' });
    const b = inJob(app, () => gates.b.opened, { name: 'second' });
    const parent = inJob(app, () => Promise.all([a, b]));
    await clock.advance(250);
    expect((await parent.job()).waitsFor).toMatchObject({ name: 'first', id: a.id });
    gates.a.open();
    await clock.advance(250);
    expect((await parent.job()).waitsFor).toMatchObject({ name: 'second', id: b.id });
    gates.b.open();
    await parent;
    expect(await parent.job()).not.toHaveProperty('waitsFor');
  });

  it('is a row that is not there yet', async () => {
    const clock = fakeClock();
    await using app = await startApp({ providers: [Tasks, Work], background: { clock } });
    app.get(Tasks).end = () => timedQuery(() => Promise.resolve(null), { orNull: true });
    app.get(Tasks).gate.open();
    const job = jobOf(app.get(Tasks).run());
    await clock.advance(1_000);
    expect((await job.job()).waitsFor).toMatchObject({ what: 'timed query' });
    await clock.advance(60_000);
    expect(await job).toBeNull();
    expect(await job.job()).not.toHaveProperty('waitsFor');
  });

  it('is told to nobody where it lasts for no more than a moment, however often', async () => {
    const clock = fakeClock();
    const { tracker, told } = countingTracker();
    await using app = await startApp({ providers: [Tasks, Work], background: { clock, tracker } });
    const tasks = app.get(Tasks);
    tasks.gate.open();
    const parent = inJob(app, async () => {
      for (let child = 0; child < 100; child++) await tasks.run();
    });
    await parent;
    await clock.advance(1_000);
    expect(told()).toBe(0);
  });

  it('is told to whoever follows the job, as an event of its state', async () => {
    const clock = fakeClock();
    await using app = await startApp({ providers: [Tasks, Work], background: { clock } });
    const tasks = app.get(Tasks);
    const parent = inJob(app, () => tasks.run());
    const waits: unknown[] = [];
    const states: string[] = [];
    parent.follow().subscribe((event) => {
      if (event.type !== 'state') return;
      states.push(event.state);
      waits.push(event.job.waitsFor?.name);
    });
    await clock.advance(250);
    tasks.gate.open();
    await clock.advance(250);
    expect(states).toEqual(['running', 'running', 'running', 'completed']);
    expect(waits).toEqual([undefined, 'Tasks.run', undefined, undefined]);
  });

  it('does no harm where the tracker fails at it', async () => {
    const clock = fakeClock();
    const tracker = memoryTracker();
    tracker.setActivity = () => Promise.reject(new Error('no place for that'));
    await using app = await startApp({ providers: [Tasks, Work], background: { clock, tracker } });
    const tasks = app.get(Tasks);
    const parent = inJob(app, () => tasks.run());
    await clock.advance(250);
    tasks.gate.open();
    expect(await parent).toBe('done');
    expect(app.log.containing('error', 'store what it is at: no place for that')).not.toEqual([]);
  });

  it('is nobody’s business where the tracker does not keep it', async () => {
    const clock = fakeClock();
    const tracker = memoryTracker();
    Object.defineProperty(tracker, 'setActivity', { value: undefined });
    await using app = await startApp({ providers: [Tasks, Work], background: { clock, tracker } });
    const tasks = app.get(Tasks);
    const parent = inJob(app, () => tasks.run());
    await clock.advance(250);
    tasks.gate.open();
    expect(await parent).toBe('done');
    expect(app.log.containing('error', '')).toEqual([]);
  });
});

import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Background, jobOf, memoryTracker, type JobFuture } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { Latch } from '../support/latch.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Work {
  readonly end = new Latch();
  begun = 0;

  @Background()
  async quick(): Promise<void> {}

  @Background()
  async long(): Promise<number> {
    this.begun += 1;
    await this.end.opened;
    return this.begun;
  }
}

/** As the trackers that keep jobs in a database: their jobs are made ready before there are places for them. */
const durable = (): ReturnType<typeof memoryTracker> =>
  Object.assign(memoryTracker(), { durable: true });

let app: TestApp;
let clock: ReturnType<typeof fakeClock>;
let work: Work;

beforeEach(async () => {
  clock = fakeClock();
  app = await startApp({
    providers: [Work],
    background: { clock, concurrency: 1, tracker: durable() },
  });
  work = app.get(Work);
});

afterEach(closeApps);

/** A job that was made ready at the pace of quick ones, behind one that takes long. */
async function readyTooSoon(): Promise<{ ready: JobFuture<number> }> {
  await Promise.all(Array.from({ length: 20 }, () => work.quick()));
  void work.long();
  const ready = jobOf(work.long());
  await until(async () => (await ready.job()).state === 'running');
  return { ready };
}

it('A job that was made ready too soon says that it waits for a place, and begins when there is one', async () => {
  const { ready } = await readyTooSoon();
  expect(work.begun).toBe(1);
  await clock.advance(250);
  expect((await ready.job()).waitsFor).toMatchObject({ what: 'place' });
  work.end.open();
  expect(await ready).toBe(2);
});

it('A job that was made ready too soon is cancelled at once, and never begins', async () => {
  const { ready } = await readyTooSoon();
  expect(await ready.cancel()).toBe(true);
  await expect(ready).rejects.toMatchObject({ name: 'JobCancelledError' });
  work.end.open();
  await app.service.drain();
  expect(work.begun).toBe(1);
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { firstValueFrom, filter, map } from 'rxjs';
import { Backgrounder, JobCancelledError, jobOf, print, Timeout } from '../../src/index.js';
import { until } from '../support/until.js';
import { Crew, QUEUES } from './crew.js';
import { Far } from './far.js';

@Controller('far')
class FarController {
  constructor(private readonly far: Far) {}

  @Get()
  @Backgrounder()
  start(): void {
    print('first here');
    void this.far.add(1, 1);
  }
}

describe.each(QUEUES)('Jobs that run in another process, over a queue in %s', (kind) => {
  let crew: Crew;

  beforeAll(async () => {
    crew = await Crew.gather(kind);
  });

  afterEach(() => crew.rest());
  afterAll(() => crew[Symbol.asyncDispose]());

  it('give their result to whoever awaits them here', async () => {
    const front = await crew.front();
    const worker = await crew.hire();
    const future = jobOf(front.get(Far).add(1, 2));
    expect(await future).toEqual({ sum: 3, pid: worker.pid });
    expect(await front.service.wait(future.id)).toEqual({ sum: 3, pid: worker.pid });
    expect(await front.service.output(future.id)).toBe(`adding in ${worker.pid}\n`);
  });

  it('wait for a process that works', async () => {
    const front = await crew.front();
    const future = jobOf(front.get(Far).add(2, 3));
    await future.accepted;
    expect((await future.job()).state).toBe('queued');
    await crew.hire();
    expect((await future).sum).toBe(5);
  });

  it('give their error, as what it was', async () => {
    const front = await crew.front();
    await crew.hire();
    const failed = await front
      .get(Far)
      .fail()
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: 'TypeError', message: 'boom' });
  });

  it('are tried again, wherever that is', async () => {
    const front = await crew.front();
    await crew.hire();
    await crew.hire();
    const future = jobOf(front.get(Far).flaky());
    expect(await future).toBe(3);
    expect(await front.service.output(future.id)).toBe('attempt 1\nattempt 2\nattempt 3\n');
  });

  it('give Timeout as their value, where that is asked for', async () => {
    const front = await crew.front();
    await crew.hire();
    expect(await front.get(Far).slow()).toBe(Timeout);
  });

  it('may wait for each other, deeper than there are places', async () => {
    const front = await crew.front();
    await crew.hire({ concurrency: 1 });
    expect(await front.get(Far).nest(4)).toBe(4);
  });

  it('show here what they print and report while they run there', async () => {
    const front = await crew.front();
    const worker = await crew.hire();
    const future = jobOf(front.get(Far).enter('live'));
    const text = future.follow().pipe(
      filter((event) => event.type === 'output'),
      map((event) => event.text),
    );
    expect(await firstValueFrom(text)).toBe(`attempt 1 in ${worker.pid}\n`);
    await until(async () => (await front.service.getProgress(future.id))?.[0] === 50);
    await crew.openDoor('live');
    expect(await future).toBe(1);
  });

  it('print after what the handler printed that called them', async () => {
    const front = await crew.front({}, { controllers: [FarController] });
    const worker = await crew.hire();
    const started = await front.fetch('/far');
    const location = new URL(started.headers.get('location')!, front.origin);
    const text = async (): Promise<string> => (await fetch(location)).text();
    await until(async () => (await text()).includes('adding'));
    expect(await text()).toBe(`first here\nadding in ${worker.pid}\n`);
  });

  it('are cancelled from here', async () => {
    const front = await crew.front();
    await crew.hire();
    const future = jobOf(front.get(Far).enter('never'));
    const outcome = future.catch((error: unknown) => error);
    await until(async () => (await future.job()).state === 'running');
    expect(await future.cancel('enough')).toBe(true);
    expect(await outcome).toBeInstanceOf(JobCancelledError);
    // The place is free again, and what was written is undone.
    expect((await front.get(Far).add(1, 1)).sum).toBe(2);
    await until(async () => (await crew.attempts(future.id)).length === 0);
  });

  it('run again after their process was killed, and count once', async () => {
    const front = await crew.front();
    const worker = await crew.hire();
    const future = jobOf(front.get(Far).enter('killed'));
    await until(async () => (await front.service.output(future.id)) !== '');
    await crew.dismiss(worker, 'SIGKILL');
    const other = await crew.hire();
    await until(async () => (await front.service.output(future.id)).includes(`${other.pid}`));
    await crew.openDoor('killed');
    expect(await future).toBe(2);
    expect(await crew.attempts(future.id)).toEqual([2]);
  });

  it('are handed back at once by a process that ends', async () => {
    // Nobody looks for what others left: only the queue can bring it.
    const recovery = '1h';
    const front = await crew.front({ tracker: crew.newTracker(recovery) });
    const worker = await crew.hire({ recovery });
    const future = jobOf(front.get(Far).enter('handed'));
    await until(async () => (await front.service.output(future.id)) !== '');
    const other = await crew.hire({ recovery });
    await crew.dismiss(worker, 'politely');
    await until(async () => (await front.service.output(future.id)).includes(`${other.pid}`));
    await crew.openDoor('handed');
    expect(await future).toBe(2);
    expect(await crew.attempts(future.id)).toEqual([2]);
  });

  it('are not taken for stalled while they compute', async () => {
    const front = await crew.front();
    await crew.hire();
    await crew.hire();
    const future = jobOf(front.get(Far).compute(6_000));
    expect(await future).toBe(1);
    expect(await crew.attempts(future.id)).toEqual([1]);
  });

  it('are one where they are unique, whichever process calls them', async () => {
    const [one, other] = [await crew.front(), await crew.front()];
    await crew.hire();
    const first = jobOf(one.get(Far).once('the same'));
    await first.accepted;
    const second = jobOf(other.get(Far).once('the same'));
    await second.accepted;
    expect(second.id).toBe(first.id);
    expect(await one.service.list()).toHaveLength(1);
    await crew.openDoor('the same');
    expect(await Promise.all([first, second])).toEqual(['the same', 'the same']);
  });
});

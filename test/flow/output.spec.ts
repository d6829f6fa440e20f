import { setTimeout as later } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, toArray, type Observable } from 'rxjs';
import { JobNotFoundError, print, setProgress, type JobEvent } from '../../src/index.js';
import { heapInUse } from '../support/heap.js';
import { startJobs } from '../support/any-job.js';
import { Latch, latches } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

/** What a follower is told, in short: texts, progress in percent, states in brackets. */
function listen(events: Observable<JobEvent>): { heard: string[]; ended: () => boolean } {
  const heard: string[] = [];
  let ended = false;
  const inShort = (event: JobEvent): string => {
    if (event.type === 'output') return event.text.trim();
    return event.type === 'progress' ? `${event.value}%` : `[${event.state}]`;
  };
  events.subscribe({ next: (event) => heard.push(inShort(event)), complete: () => (ended = true) });
  return { heard, ended: () => ended };
}

const outputOnly = (heard: string[]): string[] => heard.filter((text) => !text.startsWith('['));

describe('A follower of a job', () => {
  it('that comes in the middle gets what was printed before, then each line as it comes, then the final state', async () => {
    const app = await startJobs();
    const doors = latches(3);
    const job = app.run(async () => {
      print('before');
      for (const [n, door] of doors.entries()) {
        await door.opened;
        print(`line ${n}`);
      }
    });
    await until(async () => (await app.service.output(job.id)) !== '');
    const { heard, ended } = listen(job.follow());
    await until(() => heard.includes('before'));
    doors[0]!.open();
    await until(() => heard.includes('line 0'));
    expect(outputOnly(heard)).toEqual(['before', 'line 0']);
    doors.forEach((door) => door.open());
    await until(ended);
    expect(outputOnly(heard)).toEqual(['before', 'line 0', 'line 1', 'line 2']);
    expect(heard.at(-1)).toBe('[completed]');
  });

  it('that comes after the end gets everything, and ends at once', async () => {
    const app = await startJobs();
    const job = app.run(() => {
      print('a');
      setProgress(50);
      print('b');
    });
    await job;
    const { heard, ended } = listen(job.follow());
    await until(ended);
    expect(heard).toEqual(['a', 'b', '50%', '[completed]']);
  });

  it('is independent of others, and may leave without disturbing the job', async () => {
    const app = await startJobs();
    const latch = new Latch();
    const job = app.run(async () => {
      print('a');
      await latch.opened;
      print('b');
    });
    const leaver: string[] = [];
    const subscription = job.follow().subscribe((event) => leaver.push(event.type));
    const stayer = listen(job.follow());
    await until(() => leaver.includes('output') && stayer.heard.includes('a'));
    subscription.unsubscribe();
    const heardByLeaver = leaver.length;
    latch.open();
    await until(stayer.ended);
    expect(outputOnly(stayer.heard)).toEqual(['a', 'b']);
    expect(leaver).toHaveLength(heardByLeaver);
    expect((await job.job()).state).toBe('completed');
  });

  it('is told every state that it is there for', async () => {
    const app = await startJobs({ concurrency: 1 });
    const doors = latches(2);
    const first = app.run(() => doors[0]!.opened);
    const job = app.run(() => doors[1]!.opened);
    await until(async () => (await first.job()).state === 'running');
    const { heard, ended } = listen(job.follow());
    await new Promise((resolve) => setImmediate(resolve));
    doors[0]!.open();
    await until(() => heard.includes('[running]'));
    doors[1]!.open();
    await until(ended);
    expect(heard).toEqual(['[running]', '[completed]']);
  });

  it('gets the whole job with the final state, with its result or its error', async () => {
    const app = await startJobs();
    const lastOf = (work: () => unknown): Promise<JobEvent> =>
      lastValueFrom(app.run(work).follow());
    expect(await lastOf(() => 7)).toMatchObject({ state: 'completed', job: { result: 7 } });
    expect(await lastOf(() => Promise.reject(new Error('boom')))).toMatchObject({
      state: 'failed',
      job: { error: { message: 'boom' } },
    });
  });

  it('can go on from a number: chunks are numbered from 1 without a gap', async () => {
    const app = await startJobs();
    const job = app.run(() => ['a', 'b', 'c'].forEach((text) => print(text)));
    await job;
    const seqs = async (after?: number): Promise<unknown[]> => {
      const events = await lastValueFrom(app.service.follow(job.id, { after }).pipe(toArray()));
      return events.flatMap((event) => (event.type === 'output' ? [event.seq] : []));
    };
    expect(await seqs()).toEqual([1, 2, 3]);
    expect(await seqs(2)).toEqual([3]);
    expect(await seqs(99)).toEqual([]);
    expect(await app.service.output(job.id, { after: 1 })).toBe('b\nc\n');
  });

  it('gets to the end even where nothing is kept of the job', async () => {
    for (const retention of [{ count: 0 }, { count: 1 }, { completed: 0 }]) {
      const app = await startJobs({ retention });
      const jobs = [1, 2, 3].map((n) => app.run(() => print(n)));
      const events = jobs.map((job) => lastValueFrom(job.follow().pipe(toArray())));
      for (const all of await Promise.all(events)) {
        expect(all.map(({ type }) => type)).toContain('output');
        expect(all.at(-1)).toMatchObject({ type: 'state', state: 'completed' });
      }
      await until(async () => (await app.service.list()).length <= (retention.count ?? 0));
    }
  });

  it('is told where there is no such job', async () => {
    const app = await startJobs();
    await expect(lastValueFrom(app.service.follow('unknown'))).rejects.toThrow(JobNotFoundError);
  });

  it('that is slow misses nothing, and holds nothing up', async () => {
    const app = await startJobs();
    const job = app.run(() => Array.from({ length: 1_000 }, (_, n) => print(n)));
    const { heard, ended } = listen(job.follow());
    await until(ended);
    expect(outputOnly(heard)).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n)));
  });
});

describe('What is printed', () => {
  it('comes from any depth: timers, Promise.all, callbacks', async () => {
    const app = await startJobs();
    const job = app.run(async () => {
      print('a');
      await Promise.all([later(1).then(() => print('b')), later(2).then(() => print('c'))]);
      await new Promise<void>((resolve) => {
        setImmediate(() => queueMicrotask(() => resolve(print('d'))));
      });
    });
    await job;
    expect(await app.service.output(job.id)).toBe('a\nb\nc\nd\n');
  });

  it('is dropped where it comes after the end', async () => {
    const app = await startJobs();
    const latch = new Latch();
    let late = false;
    const job = app.run(() => {
      print('in time');
      void latch.opened.then(() => {
        print('late');
        late = true;
      });
    });
    await job;
    latch.open();
    await until(() => late);
    expect(await app.service.output(job.id)).toBe('in time\n');
  });

  it('is there, all of it, as soon as the job counts as over', async () => {
    const app = await startJobs();
    const job = app.run(() => print('last words'));
    await until(async () => (await job.job()).state === 'completed');
    expect(await app.service.output(job.id)).toBe('last words\n');
  });

  it('comes back as it was, whatever it is', async () => {
    const app = await startJobs();
    const text =
      '<script>alert(1)</script> \u001b[31mred\u001b[0m \u0000 àèìòù 😀 \r\ndata: x\n\nid: 7';
    const job = app.run(() => print(text));
    await job;
    expect(await app.service.output(job.id)).toBe(`${text}\n`);
  });
});

describe('Output over maxBytes', () => {
  const run = async (maxBytes: number, work: () => void): Promise<string> => {
    const app = await startJobs({ output: { maxBytes } });
    const job = app.run(work);
    await job;
    expect((await job.job()).state).toBe('completed');
    return app.service.output(job.id);
  };
  const droppedIn = (output: string): number => Number(/\[\.\.\. (\d+) bytes/.exec(output)?.[1]);
  const marker = /\n\[\.\.\. \d+ bytes of output dropped \.\.\.\]\n/;

  it('keeps head and tail, and says how many bytes between were dropped', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}`.padEnd(49));
    const output = await run(1_000, () => lines.forEach((line) => print(line)));
    const [head, tail] = output.split(marker);
    expect(output).toMatch(/^line 0 /);
    expect(output).toMatch(/line 19999 +\n$/);
    const kept = Buffer.byteLength(head! + tail!);
    expect(kept).toBeGreaterThan(800);
    expect(kept).toBeLessThanOrEqual(1_000);
    expect(droppedIn(output)).toBe(20_000 * 50 - kept);
  });

  it('cuts a single line that is too long, never within a character', async () => {
    const output = await run(1_000, () => print('😀'.repeat(250_000)));
    expect(Buffer.byteLength(output)).toBeLessThan(1_100);
    // Half a character would not survive the way to bytes and back.
    expect(Buffer.from(output).toString()).toBe(output);
    expect(droppedIn(output)).toBeGreaterThan(998_000);
  });

  it('does not cut what just fits', async () => {
    const output = await run(1_000, () => print('x'.repeat(999)));
    expect(output).toBe(`${'x'.repeat(999)}\n`);
    expect(await run(1_000, () => print('x'.repeat(1_000)))).toMatch(marker);
  });

  it('says so to a follower too, once', async () => {
    const app = await startJobs({ output: { maxBytes: 100 } });
    const job = app.run(() => Array.from({ length: 100 }, (_, n) => print(`line ${n}`)));
    await job;
    const events = await lastValueFrom(job.follow().pipe(toArray()));
    const gaps = events.filter((event) => event.type === 'output' && event.dropped);
    expect(gaps).toHaveLength(1);
  });

  it('does not let memory grow with what a job writes', async () => {
    const app = await startJobs({ output: { maxBytes: 1_000 } });
    const latch = new Latch();
    const line = 'x'.repeat(99);
    const before = await heapInUse();
    const job = app.run(async () => {
      for (let n = 0; n < 200_000; n++) print(line);
      await latch.opened;
    });
    await until(async () => (await app.service.output(job.id)).includes('dropped'));
    expect((await app.service.output(job.id)).length).toBeLessThan(1_100);
    expect((await heapInUse()) - before).toBeLessThan(1_000_000);
    latch.open();
  });
});

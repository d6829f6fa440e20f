import { Controller, Get } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../src/testing/index.js';
import { Backgrounder, type Job } from '../../src/index.js';
import { retryAfter } from '../../src/http/retry-after.js';
import { startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Printer, PrinterController } from '../support/printer.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

interface Polled extends Job {
  done: boolean;
  output: string;
  next: number;
}

@Controller()
class Fails {
  constructor(private readonly printer: Printer) {}

  @Backgrounder()
  @Get('fails/before')
  before(): void {
    throw new Error('before');
  }

  @Backgrounder()
  @Get('fails/after')
  after(): void {
    void this.printer.run();
    throw new Error('after');
  }
}

const JSON_TYPE = { accept: 'application/json' };

failOnLeaks();

describe.each(PLATFORMS)('A client that says what it prefers, on %s', (platform) => {
  const start = (background = {}): Promise<TestApp> =>
    startApp({
      ...{ controllers: [PrinterController, Fails], providers: [Printer] },
      ...{ platform, background },
    });

  it('is answered with what came of the job, if it waits and the job is over in time', async () => {
    await using app = await start();
    const answer = app.fetch('/print', { headers: { ...JSON_TYPE, prefer: 'wait=30' } });
    const printer = app.get(Printer);
    await printer.started.opened;
    printer.end.open();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.headers.get('preference-applied')).toBe('wait=30');
    expect(response.headers.has('retry-after')).toBe(false);
    expect(await response.json()).toMatchObject({ done: true, state: 'completed', result: 'done' });
  });

  it('is answered with an unfinished job when the time is over', async () => {
    const clock = fakeClock();
    await using app = await start({ clock });
    const prefer = 'respond-async, wait=5';
    const answer = app.fetch('/print', { headers: { prefer } });
    await app.get(Printer).started.opened;
    await clock.advance(5_000);
    const response = await answer;
    expect(response.status).toBe(202);
    expect(response.headers.get('preference-applied')).toBe(prefer);
    expect(await response.json()).toMatchObject({ done: false, state: 'running' });
  });

  it('is told when it would wait for longer than it may', async () => {
    const clock = fakeClock();
    await using app = await start({ clock });
    const answer = app.fetch('/print', { headers: { ...JSON_TYPE, prefer: 'wait=86400' } });
    await app.get(Printer).started.opened;
    await clock.advance(60_000);
    expect((await answer).headers.get('preference-applied')).toBe('wait=60');
  });

  it('polls and is answered when the job is over', async () => {
    await using app = await start();
    const location = await startAt(app, '/print');
    const printer = app.get(Printer);
    await printer.started.opened;
    printer.job.print('one');
    const answer = app.fetch(location, { headers: { ...JSON_TYPE, prefer: 'wait=30' } });
    printer.job.print('two');
    printer.end.open();
    expect(await (await answer).json()).toMatchObject({
      done: true,
      output: 'one\ntwo\n',
      next: 2,
    });
  });

  it('polls for what comes after a number and is answered when something does', async () => {
    const clock = fakeClock();
    await using app = await start({ clock });
    const location = await startAt(app, '/print');
    const printer = app.get(Printer);
    await printer.started.opened;
    printer.job.print('one');
    const headers = { ...JSON_TYPE, prefer: 'wait=30' };
    const poll = async (after: number): Promise<Polled> =>
      (await (await app.fetch(`${location}&_after=${after}`, { headers })).json()) as Polled;
    expect(await poll(0)).toMatchObject({ output: 'one\n', next: 1, done: false });
    const next = poll(1);
    printer.job.print('two');
    expect(await next).toMatchObject({ output: 'two\n', next: 2, done: false });
  });

  it('does not keep the application from stopping', async () => {
    const app = await start();
    const location = await startAt(app, '/print');
    await app.get(Printer).started.opened;
    const answer = app.fetch(location, { headers: { ...JSON_TYPE, prefer: 'wait=30' } });
    await app.fetch(location);
    await app.app.close();
    expect(await (await answer).json()).toMatchObject({ done: true, state: 'failed' });
  });

  it.each(['wait=0', 'wait=-1', 'wait=abc', 'wait', 'wait=1e9', 'wait="', ';,;', 'wait=1.5'])(
    'is answered at once where it cannot be meant: %s',
    async (prefer) => {
      await using app = await start();
      const response = await app.fetch('/print', { headers: { ...JSON_TYPE, prefer } });
      expect(response.status).toBe(202);
      expect(response.headers.has('preference-applied')).toBe(false);
    },
  );

  it('tells a handler that failed before it started a job from one that failed afterwards', async () => {
    await using app = await start();
    const before = await app.fetch('/fails/before');
    const after = await app.fetch('/fails/after');
    expect([before.status, after.status]).toEqual([500, 500]);
    expect(before.headers.has('link')).toBe(false);
    const [, location] = /^<(.+)>; rel="status"$/.exec(after.headers.get('link')!)!;
    expect((await app.fetch(location!)).status).toBe(200);
  });
});

describe('Retry-After', () => {
  const record = { createdAt: 0 } as Parameters<typeof retryAfter>[0];

  it('grows with the age of the job, is spread by chance, and stays within a minute', () => {
    expect([0, 0.5, 1].map((chance) => retryAfter(record, 1_000, chance))).toEqual(['1', '2', '2']);
    expect(retryAfter(record, 100_000, 0)).toBe('10');
    expect(retryAfter(record, 1e12, 1)).toBe('60');
    expect(retryAfter(record, -1e12, 0)).toBe('1');
  });
});

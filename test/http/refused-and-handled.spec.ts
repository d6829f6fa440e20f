import { afterEach, describe, expect, it } from '@jest/globals';
import { ConflictException, Controller, Get, Injectable } from '@nestjs/common';
import {
  Background,
  Backgrounder,
  jobOf,
  memoryTracker,
  TrackerUnavailableError,
} from '../../src/index.js';
import { locationOf, startAt } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Reports {
  @Background({ unique: { key: () => 'one' } })
  async build(): Promise<void> {}
}

@Controller()
class Starts {
  readonly refused = new Latch();
  readonly again = new Latch();

  constructor(
    private readonly tasks: Tasks,
    private readonly reports: Reports,
  ) {}

  @Backgrounder()
  @Get('fill')
  fill(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('catches')
  async catches(): Promise<object> {
    await this.tasks.run().catch(() => undefined);
    return { busy: true };
  }

  @Backgrounder()
  @Get('catches-accepted')
  async catchesAccepted(): Promise<object> {
    await jobOf(this.tasks.run()).accepted.catch(() => undefined);
    return { busy: true };
  }

  @Backgrounder()
  @Get('hears-of-one')
  async hearsOfOne(): Promise<object> {
    void this.tasks.run();
    return this.catches();
  }

  @Backgrounder()
  @Get('tries-again')
  async triesAgain(): Promise<void> {
    await this.tasks.run().catch(() => this.#later());
    await this.tasks.run('again');
  }

  @Backgrounder()
  @Get('tries-until-accepted')
  async triesUntilAccepted(): Promise<void> {
    await jobOf(this.tasks.run()).accepted.catch(() => this.#later());
    await jobOf(this.tasks.run('again')).accepted;
  }

  @Backgrounder()
  @Get('gives-up')
  async givesUp(): Promise<void> {
    await this.tasks.run().catch(() => this.#later());
    void this.tasks.run('again');
    throw new ConflictException('given up');
  }

  @Backgrounder()
  @Get('gives-up-at-once')
  async givesUpAtOnce(): Promise<void> {
    await this.tasks.run().catch(() => undefined);
    throw new ConflictException('given up');
  }

  @Backgrounder()
  @Get('build')
  build(): void {
    void this.reports.build();
  }

  @Backgrounder()
  @Get('build-if-possible')
  async buildIfPossible(): Promise<object> {
    await this.reports.build().catch(() => undefined);
    return { busy: true };
  }

  async #later(): Promise<void> {
    this.refused.open();
    await this.again.opened;
  }
}

afterEach(closeApps);

describe.each(PLATFORMS)('A handler whose job is refused, on %s', (platform) => {
  const start = async (queueLimit: number) => {
    const app = await startApp({
      ...{ controllers: [Starts], providers: [Tasks, Reports], platform },
      background: { concurrency: 1, queueLimit },
    });
    await startAt(app, '/fill');
    await until(() => app.get(Tasks).runs.length === 1);
    for (let n = 0; n < queueLimit; n++) await startAt(app, '/fill');
    return app;
  };

  it.each(['catches', 'catches-accepted'])('and who %s that answers itself', async (path) => {
    await using app = await start(1);
    const response = await app.fetch(`/${path}`);
    expect([response.status, await response.json()]).toEqual([200, { busy: true }]);
    expect(app.log.containing('error', '')).toEqual([]);
  });

  it('and who does not hear of it is 503, whatever it hears of others', async () => {
    await using app = await start(1);
    for (const path of ['/fill', '/hears-of-one']) {
      const response = await app.fetch(path);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
  });

  /** Has the handler try again when there is room. */
  const fetchedWithRoom = async (app: TestApp, path: string): Promise<Response> => {
    const starting = app.fetch(path);
    await app.get(Starts).refused.opened;
    for (const { id } of await app.service.list()) await app.service.cancel(id);
    app.get(Starts).again.open();
    return starting;
  };

  it.each(['tries-again', 'tries-until-accepted'])(
    'and who %s leads to the one that is accepted, while that runs',
    async (path) => {
      await using app = await start(1);
      const response = await fetchedWithRoom(app, `/${path}`);
      expect(response.status).toBe(303);
      const poll = await app.fetch(locationOf(response));
      expect([poll.headers.get('x-job-state'), await poll.text()]).toEqual(['running', 'again\n']);
      app.get(Tasks).gate.open();
    },
  );

  it('and who throws something else answers that, with a link to the one that is accepted', async () => {
    await using app = await start(1);
    const plain = await app.fetch('/gives-up-at-once');
    expect([plain.status, plain.headers.has('link')]).toEqual([409, false]);
    const response = await fetchedWithRoom(app, '/gives-up');
    expect([response.status, response.headers.has('link')]).toEqual([409, true]);
  });

  it('and who does not hear of it is 503 though others called the same job', async () => {
    const tracker = memoryTracker();
    const away = new Latch();
    let calls = 0;
    tracker.create = async () => {
      calls += 1;
      await away.opened;
      throw new TrackerUnavailableError('the test');
    };
    await using app = await startApp({
      ...{ controllers: [Starts], providers: [Tasks, Reports], platform },
      background: { tracker },
    });
    const handled = app.fetch('/build-if-possible');
    await until(() => calls === 1);
    const unheard = [app.fetch('/build'), app.fetch('/build')];
    await app.fetch('/nowhere');
    away.open();
    expect((await handled).status).toBe(200);
    for (const response of await Promise.all(unheard)) expect(response.status).toBe(503);
  });
});

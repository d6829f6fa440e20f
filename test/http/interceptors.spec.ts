import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Post,
  UseInterceptors,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Background, Backgrounder } from '../../src/index.js';
import { locationOf, pollToTheEnd, startAt } from '../support/http.js';
import { HeaderAfter, Noting, RefusesAfter, SlowAfter, Timeout } from '../support/interceptors.js';
import { Latch } from '../support/latch.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestAppOptions } from '../support/test-app.js';
import { until } from '../support/until.js';

/** What the interceptors have seen that Nest makes itself. */
@Injectable()
class Seen {
  readonly lines: string[] = [];
}

@Injectable()
class OfTheController extends Noting {
  constructor(seen: Seen) {
    super('controller', seen.lines);
  }
}

@Injectable()
class OfTheMethod extends Noting {
  constructor(seen: Seen) {
    super('method', seen.lines);
  }
}

@Controller()
@UseInterceptors(OfTheController)
class Intercepted {
  constructor(private readonly tasks: Tasks) {}

  @UseInterceptors(OfTheMethod)
  @Backgrounder()
  @Get('above')
  above(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('below')
  @UseInterceptors(OfTheMethod)
  below(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @UseInterceptors(OfTheMethod)
  @Post('post')
  post(): void {
    void this.tasks.run();
  }

  @Background()
  @UseInterceptors(OfTheMethod)
  @Post('job')
  async job(): Promise<void> {}
}

@Controller()
class Plain {
  readonly slow = new Latch();

  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('plain')
  plain(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('awaits')
  async awaits(): Promise<void> {
    await this.tasks.run();
  }

  @Backgrounder()
  @Get('slow')
  async slowly(): Promise<void> {
    await this.slow.opened;
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('none')
  none(): object {
    return { ok: true };
  }
}

afterEach(closeApps);

describe.each(PLATFORMS)('Interceptors of the user’s on %s', (platform) => {
  const plain = (interceptor?: NestInterceptor, more?: TestAppOptions) =>
    startApp({
      ...{ controllers: [Plain], providers: [Tasks], platform },
      ...{ interceptors: interceptor && [interceptor], ...more },
    });

  it.each([
    ['GET', '/above'],
    ['GET', '/below'],
    ['POST', '/post'],
    ['POST', '/job'],
  ])('all see starts and polls, and change the body of neither: %s %s', async (method, path) => {
    const [bound, global] = [new Noting('bound'), new Noting('global')];
    const providers = [Tasks, Seen, { provide: APP_INTERCEPTOR, useValue: bound }];
    const interceptors = [global];
    const controllers = [Intercepted];
    await using app = await startApp({ controllers, providers, interceptors, platform });
    const started = await app.fetch(path, { method });
    expect(started.status).toBe(303);
    expect(await started.text()).toMatch(/^Started as job/);
    app.get(Tasks).gate.open();
    const poll = await pollToTheEnd(app, locationOf(started));
    expect(await poll.text()).toBe(path === '/job' ? '' : 'task\n');
    const json = await app.fetch(locationOf(started), { headers: { accept: 'application/json' } });
    expect(await json.json()).not.toHaveProperty('changedBy');
    const seen = [...global.seen, ...bound.seen, ...app.get(Seen).lines];
    for (const name of ['global', 'bound', 'controller', 'method']) {
      const [first, second] = seen.filter((line) => line.startsWith(name));
      expect([first, second]).toEqual([`${name} ${method}`, `${name} GET`]);
    }
    expect(app.log.containing('error', '')).toEqual([]);
  });

  it('change the answer of a handler that starts no job', async () => {
    await using app = await plain(new Noting('global'));
    const response = await app.fetch('/none');
    expect(await response.json()).toEqual({ data: { ok: true }, changedBy: 'global' });
  });

  it('set headers after the handler, on starts and polls', async () => {
    await using app = await plain(new HeaderAfter());
    const started = await app.fetch('/plain');
    const poll = await app.fetch(locationOf(started));
    expect([started.status, poll.status]).toEqual([303, 200]);
    expect([started.headers.get('x-took'), poll.headers.get('x-took')]).toEqual(['20ms', '20ms']);
    expect(app.log.containing('error', '')).toEqual([]);
  });

  it('take their time after the handler, and make no second answer', async () => {
    const interceptors = [new SlowAfter(), new Noting('global')];
    await using app = await plain(undefined, { interceptors });
    const started = await app.fetch('/plain');
    const poll = await app.fetch(locationOf(started));
    expect([started.status, await poll.text()]).toEqual([303, 'task\n']);
    expect(await (await app.fetch('/none')).json()).toMatchObject({ data: { ok: true } });
    expect(app.log.containing('error', '')).toEqual([]);
  });

  it('that limit the time let a handler that awaits its job go on', async () => {
    const timeout = new Timeout();
    await using app = await plain(timeout);
    const location = await startAt(app, '/awaits');
    timeout.over.open();
    app.get(Tasks).gate.open();
    await until(async () => (await app.service.counts()).completed === 1);
    expect(location).toMatch(/^\/awaits/);
    expect(app.log.containing('error', '')).toEqual([]);
  });

  it('that lose their patience with a slow handler answer, and the job is no second answer', async () => {
    const timeout = new Timeout();
    await using app = await plain(timeout);
    const asked = app.fetch('/slow');
    timeout.over.open();
    expect((await asked).status).toBe(408);
    app.get(Plain).slow.open();
    await until(() => app.get(Tasks).runs.length === 1);
    expect((await app.fetch('/none')).status).toBe(408);
    expect(app.log.containing('error', '')).toEqual([]);
  });

  it('that refuse after the fact are heard', async () => {
    const refusing = new RefusesAfter();
    refusing.refuses = false;
    await using app = await plain(refusing);
    const location = await startAt(app, '/plain');
    refusing.refuses = true;
    const refused = await app.fetch(location);
    expect([refused.status, (await refused.text()).includes('task')]).toEqual([502, false]);
    expect((await app.fetch('/plain')).status).toBe(502);
  });
});

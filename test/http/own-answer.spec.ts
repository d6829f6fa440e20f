import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ConflictException,
  Controller,
  Get,
  Header,
  HttpCode,
  ImATeapotException,
  Param,
  ParseIntPipe,
  Post,
  Redirect,
  StreamableFile,
} from '@nestjs/common';
import { EMPTY, of, throwError, type Observable } from 'rxjs';
import { Backgrounder } from '../../src/index.js';
import { Demo } from '../support/demo.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

/** Every handler twice: as it is, and under `@Backgrounder()`. Neither starts a job. */
function answersUnder(path: string, decorator: () => MethodDecorator) {
  @Controller(path)
  class Answers {
    @decorator()
    @Get('object')
    object() {
      return { ok: true };
    }

    @decorator()
    @Get('string')
    string() {
      return 'plain words';
    }

    @decorator()
    @Get('nothing')
    nothing(): void {}

    @decorator()
    @Get('null')
    null() {
      return null;
    }

    @decorator()
    @Get('number')
    number() {
      return 42;
    }

    @decorator()
    @Get('promise')
    async promise() {
      return Promise.resolve(['later']);
    }

    @decorator()
    @Get('observable')
    observable(): Observable<unknown> {
      return of({ n: 1 }, { n: 2 });
    }

    @decorator()
    @Get('empty-observable')
    emptyObservable(): Observable<unknown> {
      return EMPTY;
    }

    @decorator()
    @Get('failing-observable')
    failingObservable(): Observable<unknown> {
      return throwError(() => new ConflictException('from an observable'));
    }

    @decorator()
    @Get('file')
    file() {
      return new StreamableFile(Buffer.from('a file'), { type: 'text/csv' });
    }

    @decorator()
    @Get('header')
    @Header('X-Custom', 'mine')
    @Header('Cache-Control', 'max-age=60')
    header() {
      return { ok: true };
    }

    @decorator()
    @Get('code')
    @HttpCode(206)
    code() {
      return 'part';
    }

    @decorator()
    @Get('redirect')
    @Redirect('/elsewhere', 301)
    redirect(): void {}

    @decorator()
    @Get('exception')
    exception() {
      throw new ImATeapotException('short and stout');
    }

    @decorator()
    @Get('error')
    error() {
      throw new Error('a secret of the server');
    }

    @decorator()
    @Get('piped/:id')
    piped(@Param('id', ParseIntPipe) id: number) {
      return { id };
    }

    @decorator()
    @Post('post')
    post() {
      return { created: true };
    }
  }
  return Answers;
}

const CONTROLLERS = [
  answersUnder('plain', () => () => {}),
  answersUnder('job', () => Backgrounder()),
];

/** What a client sees, but for what differs from one request to the next. */
async function seen(response: Response): Promise<unknown> {
  const headers = Object.fromEntries(response.headers);
  delete headers.date;
  return { status: response.status, headers, body: await response.text() };
}

@Controller()
class Plain {
  constructor(
    private readonly demo: Demo,
    private readonly tasks: Tasks,
  ) {}

  @Get('plain')
  plain() {
    void this.demo.longRunning();
    return { ok: true };
  }

  @Backgrounder()
  @Get('throws-after')
  throwsAfter() {
    void this.tasks.run();
    throw new ConflictException('no answer with a job');
  }
}

afterEach(closeApps);

describe.each(PLATFORMS)(
  'A handler that starts no job answers on %s as it would without',
  (platform) => {
    it.each([
      ...['object', 'string', 'nothing', 'null', 'number', 'promise', 'observable'],
      ...['empty-observable', 'failing-observable', 'file', 'header', 'code', 'redirect'],
      ...['exception', 'error', 'piped/7', 'piped/x'],
    ])('GET %s', async (path) => {
      await using app = await startApp({ controllers: CONTROLLERS, platform });
      const [plain, job] = [await app.fetch(`/plain/${path}`), await app.fetch(`/job/${path}`)];
      expect(await seen(job)).toEqual(await seen(plain));
      expect(await app.service.list()).toEqual([]);
    });

    it('POST, with 201', async () => {
      await using app = await startApp({ controllers: CONTROLLERS, platform });
      const response = await app.fetch('/job/post', { method: 'POST' });
      expect([response.status, await response.json()]).toEqual([201, { created: true }]);
    });

    it('GET with Prefer: respond-async and Accept: application/json too', async () => {
      await using app = await startApp({ controllers: CONTROLLERS, platform });
      const headers = { prefer: 'respond-async', accept: 'application/json' };
      const response = await app.fetch('/job/object', { headers });
      expect(response.status).toBe(200);
      expect(response.headers.has('preference-applied')).toBe(false);
      expect(await response.json()).toEqual({ ok: true });
    });
  },
);

describe.each(PLATFORMS)('A job on %s', (platform) => {
  const PLAIN = { controllers: [Plain], providers: [Demo, Tasks], platform };

  it('that a handler without @Backgrounder() starts runs, and the answer is the handler’s', async () => {
    await using app = await startApp(PLAIN);
    const response = await app.fetch('/plain');
    expect([response.status, await response.json()]).toEqual([200, { ok: true }]);
    expect(response.headers.has('location')).toBe(false);
    await until(() => app.get(Demo).starts === 1);
    expect(await app.service.list()).toHaveLength(1);
  });

  it('runs on where its handler throws after the call, and the exception is the answer', async () => {
    await using app = await startApp(PLAIN);
    const response = await app.fetch('/throws-after');
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ message: 'no answer with a job' });
    await until(() => app.get(Tasks).runs.length === 1);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  HttpException,
  Post,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Backgrounder } from '../../src/index.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { HeaderAfter, Noting, SlowAfter, type AnyResponse } from '../support/interceptors.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestAppOptions } from '../support/test-app.js';

@Catch(HttpException)
class Filter implements ExceptionFilter {
  catch(exception: HttpException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<AnyResponse>();
    response.status(exception.getStatus()).send({ filtered: exception.message });
  }
}

@Controller()
class Plain {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('plain')
  plain(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Post('post')
  @UseFilters(Filter)
  post(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('awaits')
  async awaits(): Promise<void> {
    await this.tasks.run();
  }

  @Backgrounder()
  @Get('none')
  none(): object {
    return { ok: true };
  }
}

interface Sending {
  send(body: unknown): unknown;
}

const OPTIONS = { controllers: [Plain], providers: [Tasks] };

afterEach(closeApps);

describe.each(PLATFORMS)('An exception filter of the user’s on %s', (platform) => {
  const options = { ...OPTIONS, platform };

  it('of the whole application sees our 404, and no other answer', async () => {
    const configure: TestAppOptions['configure'] = (app) => app.useGlobalFilters(new Filter());
    await using app = await startApp({ ...options, configure });
    const lost = await app.fetch('/plain?_t=x');
    expect([lost.status, await lost.json()]).toEqual([
      404,
      { filtered: 'There is no such job here.' },
    ]);
    const location = await startAt(app, '/plain');
    expect(await (await app.fetch(location)).text()).toBe('task\n');
  });

  it('of a handler sees the 404 of its companion', async () => {
    await using app = await startApp(options);
    expect(await (await app.fetch('/post?_t=x')).json()).toEqual({
      filtered: 'There is no such job here.',
    });
    expect(await (await app.fetch('/post')).json()).toEqual({ filtered: 'Cannot GET /post' });
  });
});

describe('A middleware of the user’s on Express', () => {
  it('that has put a send of its own on the response is asked for every answer, once', async () => {
    const sent: unknown[] = [];
    const middleware = (_request: unknown, response: Sending, next: () => void): void => {
      const send = response.send.bind(response);
      response.send = (body) => {
        sent.push(body);
        return send(body);
      };
      next();
    };
    const configure: TestAppOptions['configure'] = (app) => app.use(middleware);
    await using app = await startApp({ ...OPTIONS, configure });
    const location = await startAt(app, '/plain');
    expect(await (await app.fetch(location)).text()).toBe('task\n');
    await app.fetch('/plain?_t=x');
    expect(sent.map(String)).toEqual([
      ...[expect.stringMatching(/^Started as/), 'task\n', expect.stringMatching(/no such job/)],
    ]);
  });
});

describe('Fastify with its logger on', () => {
  it('logs no reply that was sent already', async () => {
    const lines: string[] = [];
    const stream = { write: (line: string) => void lines.push(line) };
    const adapter = new FastifyAdapter({ logger: { level: 'trace', stream } });
    const interceptors = [new SlowAfter(), new Noting('global'), new HeaderAfter()];
    await using app = await startApp({ ...OPTIONS, adapter, interceptors });
    const location = await startAt(app, '/awaits');
    await app.fetch(location);
    await app.fetch(location, { method: 'HEAD' });
    await app.fetch('/plain', { method: 'HEAD' });
    await app.fetch('/plain?_t=x');
    await app.fetch('/none');
    app.get(Tasks).gate.open();
    await pollToTheEnd(app, location);
    expect(lines.length).toBeGreaterThan(0);
    const complaints = lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 40);
    expect(complaints).toEqual([]);
  });
});

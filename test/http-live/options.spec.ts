import { Controller, Get } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { Background, Backgrounder, BackgroundOptionsError, type JobView } from '../../src/index.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Printer } from '../support/printer.js';
import { PLATFORMS, startApp } from '../support/test-app.js';

const views: JobView[] = [];

@Controller()
class Options {
  constructor(private readonly printer: Printer) {}

  @Backgrounder({ expose: { result: false, message: false } })
  @Get('hidden')
  hidden(): void {
    void this.printer.run();
  }

  @Backgrounder({ expose: { stack: true } })
  @Get('stack')
  stack(): void {
    void this.printer.run();
  }

  @Backgrounder()
  @Get('plain')
  plain(): void {
    void this.printer.run();
  }

  @Backgrounder({
    cancel: true,
    render(view) {
      views.push(view);
      return `<h1>${view.job.name}</h1>`;
    },
  })
  @Get('own')
  own(): void {
    void this.printer.run();
  }

  @Background()
  @Backgrounder({ expose: { result: false } })
  @Get('job')
  async job(): Promise<string> {
    return 'secret result';
  }
}

const FACES = ['text/html', 'application/json', 'text/event-stream', 'application/x-ndjson'];
const OPTIONS = { controllers: [Options], providers: [Printer] };

failOnLeaks();

describe.each(PLATFORMS)('What a route shows of a job, on %s', (platform) => {
  it.each(FACES)('leaves out result and message where it is told to, as %s', async (accept) => {
    for (const result of ['secret result', new Error('secret message')]) {
      await using app = await startApp({ ...OPTIONS, platform });
      const location = await startAt(app, '/hidden');
      app.get(Printer).result = result;
      app.get(Printer).end.open();
      await pollToTheEnd(app, location);
      const shown = await (await app.fetch(location, { headers: { accept } })).text();
      expect(shown).not.toContain('secret');
      expect(shown).toMatch(/completed|failed|Completed|Failed/);
    }
  });

  it.each(FACES)('has no stack unless it is told to, as %s', async (accept) => {
    await using app = await startApp({ ...OPTIONS, platform });
    const result = new Error('boom');
    result.stack = 'Error: boom\n    at secret.ts:1';
    app.get(Printer).result = result;
    app.get(Printer).end.open();
    for (const path of ['/plain', '/stack']) {
      const location = await startAt(app, path);
      await pollToTheEnd(app, location);
      const shown = await (await app.fetch(location, { headers: { accept } })).text();
      expect(shown).toContain('boom');
      expect(shown.includes('secret.ts')).toBe(path === '/stack');
    }
  });

  it('is a page of the user’s own, made of the job as data, under a policy without scripts', async () => {
    await using app = await startApp({ ...OPTIONS, platform });
    const location = await startAt(app, '/own');
    const printer = app.get(Printer);
    await printer.started.opened;
    printer.job.print('one');
    const response = await app.fetch(location, { headers: { accept: 'text/html' } });
    expect(await response.text()).toBe('<h1>Printer.run</h1>');
    expect(response.headers.get('content-security-policy')).toContain("script-src 'none'");
    expect(views.at(-1)).toMatchObject({
      ...{ done: false, output: 'one\n', children: [], url: location },
      cancelUrl: `${location}&_cancel=1`,
    });
    printer.end.open();
  });

  it('keeps what either decorator was told, whichever stands above', async () => {
    await using app = await startApp({ ...OPTIONS, platform });
    const location = await startAt(app, '/job');
    const last = await pollToTheEnd(app, location, { headers: { accept: 'application/json' } });
    expect(await last.json()).not.toHaveProperty('result');
  });
});

describe('The options of @Backgrounder()', () => {
  it.each([
    [{ cancel: 'yes' }, 'cancel'],
    [{ render: '<p>' }, 'render'],
    [{ expose: true }, 'expose'],
    [{ expose: { stacks: true } }, 'stack'],
    [{ cancle: true }, 'cancel'],
  ])('are refused where they cannot be meant: %j', (options, named) => {
    const decorate = (): unknown => Backgrounder(options as never)({}, 'key', { value: () => {} });
    expect(decorate).toThrow(BackgroundOptionsError);
    expect(decorate).toThrow(named);
  });
});

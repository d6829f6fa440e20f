import { afterEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import {
  All,
  Body,
  Controller,
  Delete,
  Get,
  Param,
  ParseIntPipe,
  Patch,
  Post,
  Put,
  Req,
} from '@nestjs/common';
import { Background, Backgrounder, print } from '../../src/index.js';
import { locationOf, maskIds, pollToTheEnd, startAt } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

@Controller('import')
class Import {
  readonly gate = new Latch();

  @Background()
  async read(body: { n: number }, request: IncomingMessage & { body: unknown }): Promise<void> {
    await this.gate.opened;
    print(`n is ${body.n}, and ${JSON.stringify(request.body)} is still there`);
  }

  @Backgrounder()
  @Post()
  start(@Body() body: { n: number }, @Req() request: IncomingMessage & { body: unknown }): void {
    void this.read(body, request);
  }
}

@Controller('things')
class Things {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post()
  create(): void {
    void this.tasks.run('created');
  }

  @Backgrounder()
  @Put(':id/content')
  put(@Param('id', ParseIntPipe) id: number): void {
    void this.tasks.run(`put ${id}`);
  }

  @Backgrounder()
  @Patch(':id')
  patch(@Param('id', ParseIntPipe) id: number): void {
    void this.tasks.run(`patched ${id}`);
  }

  @Backgrounder()
  @Delete(':id/all')
  remove(@Param('id', ParseIntPipe) id: number): void {
    void this.tasks.run(`removed ${id}`);
  }

  @Backgrounder()
  @Post(['many', 'several'])
  many(): void {
    void this.tasks.run('many');
  }

  @Backgrounder()
  @All('any')
  any(): void {
    void this.tasks.run('any');
  }
}

/** Every way in which a user's own GET may stand around a POST that starts a job. */
@Controller('items')
class Items {
  constructor(private readonly tasks: Tasks) {}

  @Get('special')
  special(): string {
    return 'special';
  }

  @Get(':id')
  one(@Param('id', ParseIntPipe) id: number): string {
    return `item ${id}`;
  }

  @Backgrounder()
  @Post('import')
  import(): void {
    void this.tasks.run('import');
  }

  /** What the companion of `import` might be called. */
  importJob(): string {
    return 'mine';
  }

  @Get(':id/parts')
  parts(@Param('id') id: string): string {
    return `parts of ${id}${this.importJob()}`;
  }

  @Get('wide/*')
  wide(): string {
    return 'wide';
  }

  @Backgrounder()
  @Post('wide/open')
  open(): void {
    void this.tasks.run('open');
  }

  @Backgrounder()
  @Post(':id/:part')
  build(): void {
    void this.tasks.run('build');
  }
}

@Controller('base')
class Base {
  constructor(protected readonly tasks: Tasks) {}

  @Backgrounder()
  @Post('run')
  run(): void {
    void this.tasks.run(this.constructor.name);
  }
}

@Controller('first')
class First extends Base {
  constructor(tasks: Tasks) {
    super(tasks);
  }
}

@Controller('second')
class Second extends Base {
  constructor(tasks: Tasks) {
    super(tasks);
  }

  @Backgrounder()
  @Post('walk')
  override run(): void {
    void this.tasks.run('walked');
  }
}

afterEach(closeApps);

const post = { method: 'POST' };

describe.each(PLATFORMS)('A job that a POST started on %s', (platform) => {
  it('reads the request’s body after the response is over, and is watched at a GET of the same path', async () => {
    await using app = await startApp({ controllers: [Import], platform });
    const response = await app.fetch('/import', {
      ...post,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ n: 3 }),
    });
    expect(response.status).toBe(303);
    await response.arrayBuffer();
    app.get(Import).gate.open();
    const done = await pollToTheEnd(app, locationOf(response));
    expect(await done.text()).toBe('n is 3, and {"n":3} is still there\n');
  });

  it('follows a redirect as a browser does, by GET', async () => {
    await using app = await startApp({ controllers: [Things], providers: [Tasks], platform });
    const response = await app.fetch('/things', { ...post, redirect: 'follow' });
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
    expect(maskIds(response.url)).toBe(`${app.origin}/things?_t=<id>`);
    expect(await app.service.list()).toHaveLength(1);
  });

  it.each([
    ['POST', '/things', 'created'],
    ['PUT', '/things/7/content', 'put 7'],
    ['PATCH', '/things/7', 'patched 7'],
    ['DELETE', '/things/7/all', 'removed 7'],
    ['POST', '/things/many', 'many'],
    ['POST', '/things/several', 'many'],
    ['POST', '/things/any', 'any'],
    ['GET', '/things/any', 'any'],
  ])('is shown for %s %s', async (method, path, output) => {
    await using app = await startApp({ controllers: [Things], providers: [Tasks], platform });
    app.get(Tasks).gate.open();
    const location = await startAt(app, path, { method });
    expect(maskIds(location)).toBe(`${path}?_t=<id>`);
    expect(await (await pollToTheEnd(app, location)).text()).toBe(`${output}\n`);
  });

  it('is the only thing at that GET: without an id it is the 404 of any other path', async () => {
    await using app = await startApp({ controllers: [Things], providers: [Tasks], platform });
    for (const query of ['', '?', '?a=1', '?_tx=1']) {
      const here = await app.fetch(`/things${query}`);
      const nowhere = await app.fetch(`/nothing${query}`);
      expect([here.status, nowhere.status]).toEqual([404, 404]);
      expect(await here.text()).toBe((await nowhere.text()).replace('/nothing', '/things'));
    }
    expect((await app.fetch('/things', { method: 'HEAD' })).status).toBe(404);
    expect(await app.service.list()).toEqual([]);
  });

  it('is not needed where the handler is for all methods, of which HEAD and OPTIONS start nothing', async () => {
    await using app = await startApp({ controllers: [Things], providers: [Tasks], platform });
    for (const method of ['HEAD', 'OPTIONS']) {
      expect((await app.fetch('/things/any', { method })).status).toBe(200);
    }
    expect(await app.service.list()).toEqual([]);
  });

  it('is not polled by POST: that starts another', async () => {
    await using app = await startApp({ controllers: [Things], providers: [Tasks], platform });
    const location = await startAt(app, '/things', post);
    const again = await app.fetch(location, post);
    expect(again.status).toBe(303);
    expect(locationOf(again)).not.toBe(location);
    expect(await app.service.list()).toHaveLength(2);
  });

  it('stands beside the user’s own GETs, and leaves them as they are', async () => {
    await using app = await startApp({ controllers: [Items], providers: [Tasks], platform });
    app.get(Tasks).gate.open();
    const text = async (path: string): Promise<string> => (await app.fetch(path)).text();
    expect(await text('/items/special')).toBe('special');
    expect(await text('/items/7')).toBe('item 7');
    expect(await text('/items/7/parts')).toBe('parts of 7mine');
    expect(await text('/items/wide/shut')).toBe('wide');
    for (const path of ['/items/import', '/items/7/wheel', '/items/wide/open']) {
      const done = await pollToTheEnd(app, await startAt(app, path, post));
      expect(await done.text()).toBe(`${path.split('/').at(-1)}\n`.replace('wheel', 'build'));
    }
  });

  it('belongs to the controller that inherits its handler, or gives it another path', async () => {
    const controllers = [Base, First, Second];
    await using app = await startApp({ controllers, providers: [Tasks], platform });
    const first = await startAt(app, '/first/run', post);
    expect(await (await app.fetch(first)).text()).toBe('First\n');
    const second = await startAt(app, '/second/walk', post);
    expect(await (await app.fetch(second)).text()).toBe('walked\n');
    const base = await startAt(app, '/base/run', post);
    expect(await (await app.fetch(base)).text()).toBe('Base\n');
    expect((await app.fetch(first.replace('first', 'second'))).status).toBe(404);
  });
});

describe.each(PLATFORMS)('Two applications in one process on %s', (platform) => {
  it('share a controller, and each has its own jobs', async () => {
    const options = { controllers: [Things, Items], providers: [Tasks] };
    const other = PLATFORMS.find((name) => name !== platform);
    await using first = await startApp({ ...options, platform });
    await using second = await startApp({ ...options, platform });
    await using third = await startApp({ ...options, platform: other });
    const location = await startAt(second, '/things', post);
    expect((await first.fetch(location)).status).toBe(404);
    expect((await third.fetch(location)).status).toBe(404);
    expect((await second.fetch(location)).status).toBe(200);
    expect(await first.service.list()).toEqual([]);
    const imported = await startAt(third, '/items/import', post);
    expect((await third.fetch(imported)).status).toBe(200);
  });

  it('go on where the other is closed', async () => {
    const options = { controllers: [Things], providers: [Tasks], platform };
    await using first = await startApp(options);
    await (await startApp(options))[Symbol.asyncDispose]();
    const location = await startAt(first, '/things', post);
    expect((await first.fetch(location)).status).toBe(200);
  });
});

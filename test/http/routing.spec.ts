import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Post,
  RequestMethod,
  Scope,
  Version,
  VersioningType,
} from '@nestjs/common';
import { REQUEST, RouterModule } from '@nestjs/core';
import { Background, Backgrounder, print } from '../../src/index.js';
import { maskIds, pollToTheEnd, startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

@Controller('reports')
class Reports {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get(':id/build')
  build(@Param('id') id: string): void {
    void this.tasks.run(`built ${id}`);
  }

  @Backgrounder()
  @Post(':id/send')
  send(@Param('id') id: string): void {
    void this.tasks.run(`sent ${id}`);
  }
}

@Controller({ path: 'things', version: '1' })
class Versioned {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post()
  first(): void {
    void this.tasks.run('first');
  }

  @Version(['2', '3'])
  @Backgrounder()
  @Post()
  second(): void {
    void this.tasks.run('second');
  }
}

@Module({ controllers: [Reports], providers: [Tasks], exports: [Tasks] })
class ReportsModule {}

/** One for each request, which it knows. */
@Controller({ path: 'scoped', scope: Scope.REQUEST })
class RequestScoped {
  static made = 0;

  constructor(
    private readonly tasks: Tasks,
    @Inject(REQUEST) private readonly request: { url: string },
  ) {
    RequestScoped.made += 1;
  }

  @Backgrounder()
  @Get('get')
  get(): void {
    void this.tasks.run(this.request.url);
  }

  @Backgrounder()
  @Post('post')
  post(): void {
    void this.tasks.run(this.request.url);
  }

  @Background()
  @Get('job')
  async job(): Promise<void> {
    print(this.request.url);
  }
}

/** A provider for each request, whose methods are jobs. */
@Injectable({ scope: Scope.REQUEST })
class ScopedJobs {
  constructor(@Inject(REQUEST) private readonly request: { url: string }) {}

  @Background()
  async run(): Promise<void> {
    print(`for ${this.request.url}`);
  }
}

@Controller('over-scoped')
class OverScoped {
  constructor(private readonly jobs: ScopedJobs) {}

  @Backgrounder()
  @Post()
  start(): void {
    void this.jobs.run();
  }
}

const REPORTS = { controllers: [Reports], providers: [Tasks] };

/** Starts a job, and gives where it is watched and what it printed. */
async function watched(app: TestApp, method: string, path: string): Promise<[string, string]> {
  app.get(Tasks).gate.open();
  const location = await startAt(app, path, { method });
  return [maskIds(location), await (await pollToTheEnd(app, location)).text()];
}

afterEach(closeApps);

describe.each(PLATFORMS)('A job is watched at the path of its request on %s', (platform) => {
  it('under a global prefix', async () => {
    await using app = await startApp({ ...REPORTS, platform, prefix: 'api/v0' });
    const built = await watched(app, 'GET', '/api/v0/reports/7/build?a=1');
    expect(built).toEqual(['/api/v0/reports/7/build?a=1&_t=<id>', 'built 7\n']);
    const sent = await watched(app, 'POST', '/api/v0/reports/7/send');
    expect(sent).toEqual(['/api/v0/reports/7/send?_t=<id>', 'sent 7\n']);
  });

  it('that a global prefix excludes, where the polls are excluded too', async () => {
    const exclude = [
      { path: 'reports/:id/send', method: RequestMethod.POST },
      { path: 'reports/:id/send', method: RequestMethod.GET },
    ];
    const configure = (app: TestApp['app']) => app.setGlobalPrefix('api', { exclude });
    await using app = await startApp({ ...REPORTS, platform, configure });
    const sent = await watched(app, 'POST', '/reports/7/send');
    expect(sent).toEqual(['/reports/7/send?_t=<id>', 'sent 7\n']);
  });

  it('that a global prefix excludes for its own method alone: its polls go along, other routes do not', async () => {
    const exclude = [{ path: 'reports/*rest', method: RequestMethod.POST }];
    const configure = (app: TestApp['app']) => app.setGlobalPrefix('api', { exclude });
    await using app = await startApp({ ...REPORTS, platform, configure });
    const sent = await watched(app, 'POST', '/reports/7/send');
    expect(sent).toEqual(['/reports/7/send?_t=<id>', 'sent 7\n']);
    const built = await watched(app, 'GET', '/api/reports/7/build');
    expect(built).toEqual(['/api/reports/7/build?_t=<id>', 'built 7\n']);
    expect((await app.fetch('/reports/7/build')).status).toBe(404);
  });

  it('under the prefix of RouterModule', async () => {
    const routes = RouterModule.register([
      { path: 'admin', children: [{ path: ':team', module: ReportsModule }] },
    ]);
    await using app = await startApp({ imports: [ReportsModule, routes], platform });
    const built = await watched(app, 'GET', '/admin/red/reports/7/build');
    expect(built).toEqual(['/admin/red/reports/7/build?_t=<id>', 'built 7\n']);
    const sent = await watched(app, 'POST', '/admin/red/reports/7/send');
    expect(sent).toEqual(['/admin/red/reports/7/send?_t=<id>', 'sent 7\n']);
  });

  it('with a version in the path', async () => {
    const configure = (app: TestApp['app']) => app.enableVersioning({ type: VersioningType.URI });
    const options = { controllers: [Versioned], providers: [Tasks], configure, platform };
    await using app = await startApp(options);
    for (const [version, output] of Object.entries({ 1: 'first', 2: 'second', 3: 'second' })) {
      const seen = await watched(app, 'POST', `/v${version}/things`);
      expect(seen).toEqual([`/v${version}/things?_t=<id>`, `${output}\n`]);
    }
    const location = await startAt(app, '/v2/things', { method: 'POST' });
    expect((await app.fetch(location.replace('v2', 'v3'))).status).toBe(404);
    expect((await app.fetch(location.replace('v2', 'v1'))).status).toBe(404);
  });

  it('with a version in a header', async () => {
    const configure = (app: TestApp['app']) =>
      app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' });
    const options = { controllers: [Versioned], providers: [Tasks], configure, platform };
    await using app = await startApp(options);
    const version = (of: string) => ({ headers: { 'x-version': of } });
    const location = await startAt(app, '/things', { method: 'POST', ...version('2') });
    expect(await (await app.fetch(location, version('2'))).text()).toBe('second\n');
    expect((await app.fetch(location, version('1'))).status).toBe(404);
  });
});

describe.each(PLATFORMS)('A controller made for each request on %s', (platform) => {
  it.each([
    ['GET', '/scoped/get'],
    ['POST', '/scoped/post'],
    ['GET', '/scoped/job'],
  ])('starts and shows jobs as any other: %s %s', async (method, path) => {
    const before = RequestScoped.made;
    const options = { controllers: [RequestScoped], providers: [Tasks], platform };
    await using app = await startApp(options);
    const seen = await watched(app, method, `${path}?n=1`);
    expect(seen).toEqual([`${path}?n=1&_t=<id>`, `${path}?n=1\n`]);
    expect(RequestScoped.made).toBeGreaterThan(before + 1);
  });

  it('may have jobs in a provider made for each request', async () => {
    const providers = [Tasks, ScopedJobs];
    await using app = await startApp({ controllers: [OverScoped], providers, platform });
    const [, output] = await watched(app, 'POST', '/over-scoped?n=2');
    expect(output).toBe('for /over-scoped?n=2\n');
  });
});

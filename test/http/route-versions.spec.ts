import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Post,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type Type,
  type VersioningOptions,
} from '@nestjs/common';
import { Backgrounder } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

@Controller({ path: 'reports', version: VERSION_NEUTRAL })
class Lists {
  @Get()
  list(): string {
    return 'a list';
  }
}

@Controller('reports')
class Jobs {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post()
  create(): void {
    void this.tasks.run();
  }
}

@Controller({ path: 'reports', version: '1' })
class First {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post()
  create(): void {
    void this.tasks.run('first');
  }
}

@Controller('reports')
class Second {
  @Version('2')
  @Get()
  list(): string {
    return 'the second list';
  }
}

afterEach(closeApps);

const URI: VersioningOptions = { type: VersioningType.URI };
const HEADER: VersioningOptions = { type: VersioningType.HEADER, header: 'x-version' };

describe.each(PLATFORMS)('With versions on %s', (platform) => {
  const start = (controllers: Type[], options?: VersioningOptions): Promise<TestApp> =>
    startApp({
      ...{ controllers, providers: [Tasks], platform },
      configure: (app) => options && app.enableVersioning(options),
    });

  it.each<[string, Type[], VersioningOptions | undefined]>([
    ['a GET of no version, and a job of none', [Lists, Jobs], URI],
    ['a GET of any version, and a job of one', [Lists, First], HEADER],
    [
      'a GET of one version, and a job of that by default',
      [Second, Jobs],
      { ...HEADER, defaultVersion: '2' },
    ],
    ['two versions where there is no versioning', [Second, First], undefined],
  ])('it is a clash at start: %s', async (_what, controllers, options) => {
    await expect(start(controllers, options)).rejects.toMatchObject({ name: 'RouteClashError' });
  });

  it.each<[string, Type[], VersioningOptions]>([
    ['in the path', [Lists, First], URI],
    ['in a header', [Second, First], HEADER],
    ['by default', [Lists, Jobs], { ...URI, defaultVersion: '1' }],
  ])('it is none where they are kept apart %s', async (_where, controllers, options) => {
    await using app = await start(controllers, options);
    const path = options.type === VersioningType.URI ? '/v1/reports' : '/reports';
    const headers = { 'x-version': '1' };
    const location = await startAt(app, path, { method: 'POST', headers });
    const poll = await app.fetch(location, { headers });
    expect(poll.headers.get('x-job-state')).toBe('running');
  });
});

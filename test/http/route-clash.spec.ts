import { afterEach, describe, expect, it } from '@jest/globals';
import {
  All,
  Controller,
  Delete,
  Get,
  Module,
  Post,
  Put,
  SetMetadata,
  Version,
  VersioningType,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, RouterModule } from '@nestjs/core';
import { Backgrounder, RouteClashError } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type Platform } from '../support/test-app.js';

@Controller('reports')
class Mine {
  @Get()
  list(): string[] {
    return [];
  }
}

@Controller()
class Jobs {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post('reports')
  create(): void {
    void this.tasks.run();
  }
}

@Controller('reports')
class Same {
  @Get(':id')
  show(): void {}

  @Backgrounder()
  @Post(':name')
  change(): void {}
}

@Controller('reports')
class Everything {
  @All()
  anything(): void {}
}

@Controller('reports')
class Two {
  @Backgrounder()
  @SetMetadata('roles', ['editor'])
  @Put()
  put(): void {}

  @Backgrounder()
  @SetMetadata('roles', ['admin'])
  @Delete()
  remove(): void {}
}

@Controller('reports')
class ById {
  @Get(':id')
  show(): string {
    return 'a report';
  }
}

@Controller('reports')
class Build {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post('build')
  build(): void {
    void this.tasks.run('built');
  }
}

@Controller('reports')
class Change {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post(':id')
  change(): void {
    void this.tasks.run('changed');
  }
}

@Controller('reports')
class Totals {
  @Get('totals')
  totals(): string {
    return 'the totals';
  }
}

@Controller('reports')
class Rest {
  @Get('*')
  rest(): string {
    return 'the rest';
  }
}

@Controller('reports')
class Versions {
  @Version(['1', '2'])
  @Get()
  list(): void {}

  @Version('2')
  @Backgrounder()
  @Post()
  create(): void {}
}

@Controller('reports')
class OtherVersions {
  constructor(private readonly tasks: Tasks) {}

  @Version('1')
  @Get()
  list(): string {
    return 'a list';
  }

  @Version('2')
  @Backgrounder()
  @Post()
  create(): void {
    void this.tasks.run('created');
  }

  @Version('2')
  @Get(':id.csv')
  table(): string {
    return 'a,b';
  }

  @Version('2')
  @Backgrounder()
  @Post(':id')
  change(): void {
    void this.tasks.run('changed');
  }
}

@Module({ controllers: [Mine] })
class ListModule {}

@Controller('reports/reports')
class Built {
  @Get('build')
  show(): void {}
}

@Module({ controllers: [Build], providers: [Tasks] })
class BuildModule {}

@Module({ controllers: [Jobs], providers: [Tasks] })
class JobsModule {}

afterEach(closeApps);

const versions = (app: INestApplication) => app.enableVersioning({ type: VersioningType.URI });
const post = { method: 'POST' };

describe.each(PLATFORMS)('A GET of the user’s where jobs would be watched, on %s', (platform) => {
  const namesOf: [string, Type[], string, string][] = [
    ['in another controller', [Mine, Jobs], 'Jobs.create', 'Mine.list'],
    ['in a controller that comes later', [Jobs, Mine], 'Jobs.create', 'Mine.list'],
    ['under another parameter name', [Same], 'Same.change', 'Same.show'],
    ['by @All()', [Jobs, Everything], 'Jobs.create', 'Everything.anything'],
    ['by another handler’s jobs, under other rules', [Two], 'Two.remove', 'Two.put'],
  ];

  it.each(namesOf)(
    'is an error at start that names both: %s',
    async (_where, controllers, a, b) => {
      const starting = startApp({ controllers, providers: [Tasks], platform });
      await expect(starting).rejects.toThrow(RouteClashError);
      await expect(starting).rejects.toMatchObject({ handler: a, takenBy: b });
      await expect(starting).rejects.toThrow(a);
      await expect(starting).rejects.toThrow(b);
    },
  );

  it('is an error in a version that the two have in common', async () => {
    const starting = startApp({ controllers: [Versions], platform, configure: versions });
    await expect(starting).rejects.toMatchObject({ path: '/reports', takenBy: 'Versions.list' });
  });

  it('is an error where RouterModule brings the two together', async () => {
    const routes = RouterModule.register([{ path: 'reports', module: BuildModule }]);
    const starting = startApp({ imports: [BuildModule, routes], controllers: [Built], platform });
    await expect(starting).rejects.toMatchObject({ path: '/reports/reports/build' });
  });
});

describe.each(PLATFORMS)('No clash on %s', (platform) => {
  it('is where RouterModule keeps the two apart', async () => {
    const routes = RouterModule.register([
      { path: 'one', module: ListModule },
      { path: 'two', module: JobsModule },
    ]);
    await using app = await startApp({ imports: [ListModule, JobsModule, routes], platform });
    expect(await (await app.fetch('/one/reports')).json()).toEqual([]);
    expect((await app.fetch('/two/reports', post)).status).toBe(303);
  });

  it('is in another version, or where a parameter has an ending', async () => {
    const options = { controllers: [OtherVersions], providers: [Tasks], platform };
    await using app = await startApp({ ...options, configure: versions });
    expect(await (await app.fetch('/v1/reports')).text()).toBe('a list');
    expect(await (await app.fetch('/v2/reports/7.csv')).text()).toBe('a,b');
    const created = await startAt(app, '/v2/reports', post);
    expect(await (await app.fetch(created)).text()).toBe('created\n');
    const changed = await startAt(app, '/v2/reports/7', post);
    expect(await (await app.fetch(changed)).text()).toBe('changed\n');
  });

  it('is with a wider GET of a controller that comes later', async () => {
    await using app = await startApp({ controllers: [Build, ById], providers: [Tasks], platform });
    expect((await app.fetch(await startAt(app, '/reports/build', post))).status).toBe(200);
    expect(await (await app.fetch('/reports/7')).text()).toBe('a report');
  });
});

describe('A wider GET of a controller that comes earlier', () => {
  const EARLIER = { controllers: [ById, Build], providers: [Tasks] };

  it('is an error on Express, where it would take the polls', async () => {
    await expect(startApp({ ...EARLIER, platform: 'express' })).rejects.toMatchObject({
      ...{ name: 'RouteClashError', handler: 'Build.build', takenBy: 'ById.show' },
    });
  });

  it('is none on Express with routes by specificity', async () => {
    await using app = await startApp({
      ...EARLIER,
      platform: 'express',
      configure: (app) => app.get(ApplicationConfig).setRouteResolutionStrategy('specificity'),
    });
    expect((await app.fetch(await startAt(app, '/reports/build', post))).status).toBe(200);
  });

  it('is none on Fastify, where the route that fits best is taken', async () => {
    await using app = await startApp({ ...EARLIER, platform: 'fastify' });
    expect((await app.fetch(await startAt(app, '/reports/build', post))).status).toBe(200);
  });
});

describe('A GET of the user’s that would be taken for that of a job', () => {
  it('is an error on Express where it comes later: it was reached before there were jobs', async () => {
    const later = { controllers: [Change, Totals], providers: [Tasks] };
    await expect(startApp({ ...later, platform: 'express' })).rejects.toMatchObject({
      ...{ name: 'RouteClashError', handler: 'Change.change', takenBy: 'Totals.totals' },
    });
  });

  it.each<[Platform, Type[]]>([
    ['fastify', [Change, Totals, Rest]],
    ['express', [Totals, Change, Rest]],
  ])('is none on %s where it is still reached', async (platform, controllers) => {
    await using app = await startApp({ controllers, providers: [Tasks], platform });
    expect(await (await app.fetch('/reports/totals')).text()).toBe('the totals');
    expect(await (await app.fetch('/reports/a/b')).text()).toBe('the rest');
    const changed = await startAt(app, '/reports/7', post);
    expect(await (await app.fetch(changed)).text()).toBe('changed\n');
  });
});

import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import {
  Injectable,
  Module,
  VersioningType,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, NestFactory, RouterModule } from '@nestjs/core';
import { BackgroundOptionsError } from '../../src/index.js';
import { BackgroundDashboardModule, UnguardedDashboardError } from '../../src/dashboard/index.js';
import { startDashboard } from '../support/dashboard.js';
import { startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

@Injectable()
class Keys {
  readonly valid = ['secret'];
}

@Module({ providers: [Keys], exports: [Keys] })
class KeysModule {}

/** A guard that is injected with something that only its own module has. */
@Injectable()
class KeyGuard implements CanActivate {
  constructor(private readonly keys: Keys) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    return this.keys.valid.includes(String(headers['x-key']));
  }
}

class Closed implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

const KEY = { headers: { 'x-key': 'secret' } };

async function refusals(app: TestApp, init: RequestInit = {}): Promise<number[]> {
  const id = (await app.service.list())[0]!.id;
  const asked = [
    ['GET', '/jobs'],
    ['HEAD', '/jobs'],
    ['GET', '/jobs?state=nonsense'],
    ['GET', `/jobs?_t=${id}&_follow=0`],
    ['GET', '/jobs?_t=x'],
    ['POST', `/jobs?_cancel=x`],
  ] as const;
  const answers = asked.map(([method, path]) => app.fetch(path, { ...init, method }));
  return (await Promise.all(answers)).map(({ status }) => status);
}

failOnLeaks();

describe.each(PLATFORMS)('The guards of a dashboard on %s', (platform) => {
  it('come before everything that it answers, and are injected as guards are', async () => {
    const dashboard = { imports: [KeysModule], guards: [KeyGuard] };
    await using app = await startDashboard({ platform, dashboard });
    await startAt(app, '/show/scheduled');
    expect(await refusals(app)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(await refusals(app, KEY)).toEqual([200, 200, 400, 200, 404, 404]);
  });

  it('may be instances, and several of them', async () => {
    const guards = [{ canActivate: () => true }, new Closed()];
    await using app = await startDashboard({ platform, dashboard: { guards } });
    await startAt(app, '/show/scheduled');
    expect(await refusals(app)).toEqual([403, 403, 403, 403, 403, 403]);
  });

  it('stand beside those of the application, which see a public one too', async () => {
    const providers = [{ provide: APP_GUARD, useClass: Closed }];
    await using app = await startDashboard({ platform, controllers: [], providers });
    expect((await app.fetch('/jobs')).status).toBe(403);
  });

  it('are those of one dashboard: another one, with others, is beside it', async () => {
    const open = BackgroundDashboardModule.forRoot({ path: 'open/jobs', public: true });
    const dashboard = { guards: [Closed] };
    await using app = await startDashboard({ platform, dashboard, imports: [open] });
    expect((await app.fetch('/jobs')).status).toBe(403);
    expect((await app.fetch('/open/jobs')).status).toBe(200);
  });
});

describe.each(PLATFORMS)('A dashboard on %s', (platform) => {
  it('is where prefix, version and router put it, and links to there', async () => {
    const dashboard = BackgroundDashboardModule.forRoot({ path: 'jobs', public: true });
    const places = RouterModule.register([{ path: 'admin', module: BackgroundDashboardModule }]);
    await using app = await startApp({
      ...{ platform, imports: [dashboard, places], prefix: 'api' },
      configure: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    });
    const id = app.service.perform(() => 1);
    await app.service.wait(id);
    const page = await (await app.fetch('/api/v1/admin/jobs?_as=html')).text();
    expect(page).toContain(`href="/api/v1/admin/jobs?_t=${id}"`);
    expect((await app.fetch('/jobs')).status).toBe(404);
  });
});

describe('A dashboard without a guard', () => {
  it.each([{}, undefined, { guards: [] }, { public: false }, { path: 'admin' }])(
    'is an error that says what to do: %j',
    (options) => {
      const forRoot = (): unknown => BackgroundDashboardModule.forRoot(options);
      expect(forRoot).toThrow(UnguardedDashboardError);
      expect(forRoot).toThrow(/forRoot\(\{ guards: \[AdminGuard\] \}\).*\{ public: true \}/s);
    },
  );

  it('is an error where it is said to have some', () => {
    const both = { guards: [Closed], public: true };
    expect(() => BackgroundDashboardModule.forRoot(both)).toThrow(/Leave out one of/);
  });

  it.each([
    [{ guard: [Closed] }, /there is no option "guard". Did you mean "guards"\?/],
    [{ guards: Closed }, /"guards" is .* It must be a list of guards/],
    [{ guards: [undefined] }, /It must be a list of guards/],
    [{ public: 'yes' }, /"public" is 'yes'. It must be true or false/],
    [{ public: true, path: '' }, /"path" is ''/],
    [{ public: true, expose: { stacks: true } }, /no option "stacks". Did you mean "stack"/],
  ])('or with options that cannot be meant is an error: %j', (options, message) => {
    const forRoot = (): unknown => BackgroundDashboardModule.forRoot(options as object);
    expect(forRoot).toThrow(BackgroundOptionsError);
    expect(forRoot).toThrow(message);
  });

  it('needs the module whose jobs it shows', async () => {
    const alone = BackgroundDashboardModule.forRoot({ public: true });
    const options = { logger: false, abortOnError: false } as const;
    await expect(NestFactory.create(alone, options)).rejects.toThrow(
      /add BackgroundModule\.forRoot\(\) to the imports of the root module/,
    );
  });
});

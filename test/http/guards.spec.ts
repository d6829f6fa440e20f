import { afterEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import {
  Controller,
  Get,
  Injectable,
  Post,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { Background, Backgrounder, print } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

const Roles = (...roles: string[]) => SetMetadata('roles', roles);
const TypedRole = Reflector.createDecorator<string>();

function requestOf(context: ExecutionContext): IncomingMessage {
  return context.switchToHttp().getRequest();
}

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return requestOf(context).headers['x-key'] === 'secret';
  }
}

/** Reads what decorators have noted on the handler and on the class. */
@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    const needed = this.reflector.getAllAndMerge<string[]>('roles', targets);
    const typed = this.reflector.get(TypedRole, context.getHandler());
    const roles = String(requestOf(context).headers['x-roles']).split(',');
    return [...needed, ...(typed ? [typed] : [])].every((role) => roles.includes(role));
  }
}

/** Decides by the handler's name, as some do. */
@Injectable()
class NameGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return requestOf(context).headers['x-may'] === context.getHandler().name;
  }
}

@Controller()
class Guarded {
  handled = 0;

  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @UseGuards(KeyGuard)
  @Get('key')
  get(): void {
    this.start();
  }

  @UseGuards(KeyGuard)
  @Post('key-for-post')
  @Backgrounder()
  post(): void {
    this.start();
  }

  @UseGuards(KeyGuard)
  @Background()
  @Post('job')
  async job(): Promise<void> {
    this.handled += 1;
    print('secret output');
  }

  @UseGuards(NameGuard)
  @Backgrounder()
  @Post('name')
  byName(): void {
    this.start();
  }

  private start(): void {
    this.handled += 1;
    void this.tasks.run('secret output');
  }
}

@Controller('roles')
@UseGuards(RolesGuard)
@Roles('member')
class RolesController {
  constructor(private readonly tasks: Tasks) {}

  @Roles('admin')
  @Backgrounder()
  @Get('get')
  get(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Post('post')
  @Roles('admin')
  post(): void {
    void this.tasks.run();
  }

  @TypedRole('admin')
  @Backgrounder()
  @Post('typed')
  typed(): void {
    void this.tasks.run();
  }

  @Roles('admin')
  @Background()
  @Post('job')
  async job(): Promise<void> {}
}

const GUARDED = { controllers: [Guarded, RolesController], providers: [Tasks] };

afterEach(closeApps);

describe.each(PLATFORMS)('A guard on %s', (platform) => {
  it.each([
    ['GET', '/key'],
    ['POST', '/key-for-post'],
    ['POST', '/job'],
  ])(
    'refuses the polls that it would refuse to start, even with the right id: %s %s',
    async (method, path) => {
      await using app = await startApp({ ...GUARDED, platform });
      const headers = { 'x-key': 'secret' };
      expect((await app.fetch(path, { method })).status).toBe(403);
      expect(await app.service.list()).toEqual([]);
      const location = await startAt(app, path, { method, headers });
      for (const accept of ['text/plain', 'application/json', 'text/html']) {
        const refused = await app.fetch(location, { headers: { accept } });
        expect(refused.status).toBe(403);
        expect(await refused.text()).not.toContain('output');
        expect(refused.headers.has('x-job-state')).toBe(false);
      }
      expect((await app.fetch(location, { headers })).status).toBe(200);
      expect((await app.fetch(path)).status).toBe(403);
      expect(app.get(Guarded).handled).toBe(1);
    },
  );

  it.each([
    ['GET', '/roles/get'],
    ['POST', '/roles/post'],
    ['POST', '/roles/typed'],
    ['POST', '/roles/job'],
  ])(
    'that reads metadata of handler and class finds it at polls too: %s %s',
    async (method, path) => {
      await using app = await startApp({ ...GUARDED, platform });
      const as = (roles: string) => ({ headers: { 'x-roles': roles } });
      expect((await app.fetch(path, { method, ...as('member') })).status).toBe(403);
      const location = await startAt(app, path, { method, ...as('member,admin') });
      expect((await app.fetch(location, as('admin'))).status).toBe(403);
      expect((await app.fetch(location, as('member'))).status).toBe(403);
      expect((await app.fetch(location, as('member,admin'))).status).toBe(200);
    },
  );

  it('that goes by the name of the handler meets the same name at the companion', async () => {
    await using app = await startApp({ ...GUARDED, platform });
    const headers = { 'x-may': 'byName' };
    const location = await startAt(app, '/name', { method: 'POST', headers });
    expect((await app.fetch(location, { headers })).status).toBe(200);
    expect((await app.fetch(location)).status).toBe(403);
  });

  it('of the whole application sees polls too', async () => {
    const providers = [Tasks, { provide: APP_GUARD, useClass: KeyGuard }];
    await using app = await startApp({ ...GUARDED, providers, platform });
    const headers = { 'x-key': 'secret', 'x-roles': 'member,admin' };
    const location = await startAt(app, '/roles/post', { method: 'POST', headers });
    expect((await app.fetch(location)).status).toBe(403);
    expect((await app.fetch(location, { headers })).status).toBe(200);
  });

  it('comes before the 404: what it refuses does not learn whether there is such a job', async () => {
    await using app = await startApp({ ...GUARDED, platform });
    expect((await app.fetch('/key?_t=x')).status).toBe(403);
    expect((await app.fetch('/key-for-post?_t=x')).status).toBe(403);
    expect((await app.fetch('/key-for-post')).status).toBe(403);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Delete,
  HttpCode,
  Put,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Backgrounder } from '../../src/index.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    return headers['x-key'] === 'secret';
  }
}

/** Two handlers that start jobs on one path, under the same guard. */
@UseGuards(KeyGuard)
@Controller('reports')
class Reports {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder({ cancel: true })
  @Put(':id')
  change(): void {
    void this.tasks.run('changed');
  }

  @HttpCode(410)
  @Backgrounder({ expose: { result: false } })
  @Delete(':id')
  remove(): void {
    void this.tasks.run('removed');
  }
}

const headers = { 'x-key': 'secret' };
const asJson = { headers: { ...headers, accept: 'application/json' } };
afterEach(closeApps);

describe.each(PLATFORMS)('Two handlers that start jobs on one path, on %s', (platform) => {
  const start = (): Promise<TestApp> =>
    startApp({ controllers: [Reports], providers: [Tasks], platform });

  async function both(app: TestApp): Promise<{ changed: string; removed: string }> {
    const changed = await startAt(app, '/reports/7', { method: 'PUT', headers });
    const removed = await startAt(app, '/reports/7', { method: 'DELETE', headers });
    return { changed, removed };
  }

  it('are watched there, each job as the handler says that started it', async () => {
    await using app = await start();
    const { changed, removed } = await both(app);
    expect(await (await app.fetch(changed, { headers })).text()).toBe('changed\n');
    expect(await (await app.fetch(removed, { headers })).text()).toBe('removed\n');
    app.get(Tasks).gate.open();
    await pollToTheEnd(app, changed, { headers });
    await pollToTheEnd(app, removed, { headers });
    expect(await (await app.fetch(changed, asJson)).json()).toMatchObject({ result: 'done' });
    expect(await (await app.fetch(removed, asJson)).json()).not.toHaveProperty('result');
  });

  it('are guarded, and neither serves the jobs of another path', async () => {
    await using app = await start();
    const { changed, removed } = await both(app);
    for (const location of [changed, removed]) {
      expect((await app.fetch(location)).status).toBe(403);
      expect((await app.fetch(location.replace('/7', '/8'), { headers })).status).toBe(404);
    }
  });

  it('are cancelled only where the handler that started the job allows it', async () => {
    await using app = await start();
    const { changed, removed } = await both(app);
    const post = { method: 'POST', headers };
    expect((await app.fetch(`${removed}&_cancel=1`, post)).status).toBe(404);
    expect((await app.fetch(`${changed}&_cancel=1`, post)).status).toBe(303);
    const states = (await app.service.list()).map(({ state }) => state);
    expect(states).toEqual(['running', 'cancelled']);
  });

  it('are so in two applications of one process', async () => {
    await using first = await start();
    await using second = await start();
    for (const app of [first, second]) {
      const { removed } = await both(app);
      expect(await (await app.fetch(removed, { headers })).text()).toBe('removed\n');
    }
  });
});

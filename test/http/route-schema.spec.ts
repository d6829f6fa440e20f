import { afterEach, expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { RouteSchema } from '@nestjs/platform-fastify';
import { Backgrounder } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, startApp } from '../support/test-app.js';

@Controller('checked')
class Checked {
  constructor(private readonly tasks: Tasks) {}

  @RouteSchema({ body: { type: 'object', required: ['n'] } })
  @Backgrounder()
  @Post()
  check(): void {
    void this.tasks.run('checked');
  }
}

afterEach(closeApps);

it('Where Fastify checks the body of a POST, its jobs are watched at a GET without one', async () => {
  const options = { controllers: [Checked], providers: [Tasks] };
  await using app = await startApp({ ...options, platform: 'fastify' });
  const send = (body: object): RequestInit => ({
    ...{ method: 'POST', body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json' },
  });
  expect((await app.fetch('/checked', send({}))).status).toBe(400);
  const location = await startAt(app, '/checked', send({ n: 1 }));
  expect(await (await app.fetch(location)).text()).toBe('checked\n');
});

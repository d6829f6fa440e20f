import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, type Type } from '@nestjs/common';
import { Backgrounder } from '../../src/index.js';
import { rawRequest } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

@Controller({ path: 'reports', host: /^a\.test$/ })
class Starts {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Post()
  create(): void {
    void this.tasks.run('created');
  }
}

@Controller({ path: 'reports', host: [/^a\.test$/] })
class StartsAtSeveral extends Starts {
  constructor(tasks: Tasks) {
    super(tasks);
  }
}

@Controller({ path: 'reports', host: /^a\.test$/ })
class ListThere {
  @Get()
  list(): string {
    return 'a list';
  }
}

@Controller({ path: 'reports', host: /^b\.test$/ })
class ListElsewhere extends ListThere {}

@Controller({ path: 'reports', host: [/^b\.test$/] })
class ListAtSeveral extends ListThere {}

afterEach(closeApps);

describe('Hosts that are RegExps', () => {
  it.each(PLATFORMS)('clash where they are the same, on %s', async (platform) => {
    const starting = startApp({ controllers: [Starts, ListThere], providers: [Tasks], platform });
    await expect(starting).rejects.toMatchObject({ takenBy: 'ListThere.list' });
  });

  // Nest's Fastify has no path twice, at whichever hosts.
  it.each<[string, Type[]]>([
    ['one each', [Starts, ListElsewhere]],
    ['several', [StartsAtSeveral, ListAtSeveral]],
  ])('are kept apart where they differ, on Express: %s', async (_which, controllers) => {
    await using app = await startApp({ controllers, providers: [Tasks] });
    const ask = (host: string, path = '/reports', method = 'GET') =>
      rawRequest(app, path, method, { host });
    expect((await ask('b.test')).body).toBe('a list');
    const { headers } = await ask('a.test', '/reports', 'POST');
    expect((await ask('a.test', headers.location)).body).toBe('created\n');
  });
});

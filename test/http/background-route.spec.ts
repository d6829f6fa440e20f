import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  ParseIntPipe,
  Post,
  Query,
} from '@nestjs/common';
import { Background, Backgrounder, currentJob, print, type Job } from '../../src/index.js';
import { idIn, locationOf, maskIds, pollToTheEnd, startAt } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Controller('jobs')
class Jobs {
  readonly gate = new Latch();
  readonly ids: unknown[] = [];

  @Background()
  @Get('get/:n')
  async get(@Param('n', ParseIntPipe) n: number, @Query('q') q = 'none'): Promise<object> {
    this.ids.push(currentJob()?.id);
    print('before', n, q);
    await this.gate.opened;
    return { n, q };
  }

  @Post('post')
  @HttpCode(200)
  @Background({ name: 'posted' })
  async post(@Body() body: { n: number }): Promise<number> {
    await this.gate.opened;
    print('read', body);
    return body.n * 2;
  }

  @Background()
  @Get('fails')
  async fails(): Promise<void> {
    throw new BadRequestException('no answer, but how the job ended');
  }

  @Background()
  @Backgrounder()
  @Get('both')
  async both(): Promise<string> {
    return 'both';
  }

  @Backgrounder()
  @Background()
  @Get('both-again')
  async bothAgain(): Promise<string> {
    return 'both';
  }

  /** A plain call of a handler starts a job as well. */
  @Get('calls')
  calls(): object {
    void this.get(1);
    return { ok: true };
  }
}

const JSON_PLEASE = { headers: { accept: 'application/json' } };

afterEach(closeApps);

describe.each(PLATFORMS)('A route that is a job itself, on %s', (platform) => {
  const start = () => startApp({ controllers: [Jobs], platform });

  it('redirects at once, and its result is the job’s', async () => {
    await using app = await start();
    const response = await app.fetch('/jobs/get/7?q=x');
    expect(response.status).toBe(303);
    expect(maskIds(locationOf(response))).toBe('/jobs/get/7?q=x&_t=<id>');
    const location = locationOf(response);
    await until(() => app.get(Jobs).ids.length === 1);
    expect(app.get(Jobs).ids).toEqual([idIn(location)]);
    expect(await (await app.fetch(location)).text()).toBe('before 7 x\n');
    app.get(Jobs).gate.open();
    const done = await pollToTheEnd(app, location, JSON_PLEASE);
    expect(await done.json()).toMatchObject({ name: 'Jobs.get', result: { n: 7, q: 'x' } });
    expect(app.get(Jobs).ids).toHaveLength(1);
  });

  it('is watched at a GET where it is a POST, and reads its body in the job', async () => {
    await using app = await start();
    const response = await app.fetch('/jobs/post', {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'respond-async' },
      body: JSON.stringify({ n: 21 }),
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ name: 'posted', done: false });
    app.get(Jobs).gate.open();
    const done = await pollToTheEnd(app, locationOf(response), JSON_PLEASE);
    expect(await done.json()).toMatchObject({ result: 42, output: 'read { n: 21 }\n' });
    expect((await app.fetch('/jobs/post')).status).toBe(404);
  });

  it('fails as a job: an HttpException is no answer', async () => {
    await using app = await start();
    const done = await pollToTheEnd(app, await startAt(app, '/jobs/fails'), JSON_PLEASE);
    expect(done.status).toBe(200);
    const { error } = (await done.json()) as Job;
    expect(error).toEqual({
      name: 'BadRequestException',
      message: 'no answer, but how the job ended',
    });
  });

  it('answers what its pipes refuse as any other route, and starts nothing', async () => {
    await using app = await start();
    expect((await app.fetch('/jobs/get/x')).status).toBe(400);
    expect(await app.service.list()).toEqual([]);
    expect((await app.fetch('/jobs/get/x?_t=y')).status).toBe(404);
  });

  it('never starts on HEAD or a prefetch', async () => {
    await using app = await start();
    expect((await app.fetch('/jobs/get/7', { method: 'HEAD' })).status).toBe(200);
    const ahead = { headers: { 'sec-purpose': 'prefetch' } };
    expect((await app.fetch('/jobs/get/7', ahead)).status).toBe(503);
    expect(await app.service.list()).toEqual([]);
  });

  it.each(['both', 'both-again'])(
    'is one job where it is @Backgrounder() too: %s',
    async (path) => {
      await using app = await start();
      const done = await pollToTheEnd(app, await startAt(app, `/jobs/${path}`), JSON_PLEASE);
      expect(await done.json()).toMatchObject({ state: 'completed', result: 'both' });
      expect(await app.service.list()).toHaveLength(1);
    },
  );

  it('is a job of no route where it is called as a method', async () => {
    await using app = await start();
    expect(await (await app.fetch('/jobs/calls')).json()).toEqual({ ok: true });
    const [job] = await app.service.list();
    expect(job?.name).toBe('Jobs.get');
    expect((await app.fetch(`/jobs/get/1?_t=${job?.id}`)).status).toBe(404);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  Res,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { of } from 'rxjs';
import { Background, Backgrounder, print, setProgress } from '../../src/index.js';
import { idIn, locationOf, maskIds, pollToTheEnd, startAt } from '../support/http.js';
import type { AnyResponse } from '../support/interceptors.js';
import { Tasks } from '../support/tasks.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<IncomingMessage>().headers['x-key'] === 'secret';
  }
}

/** One route of each kind. */
@Controller()
class Everything {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('waits')
  waits(@Res({ passthrough: true }) response: AnyResponse): void {
    response.header('Set-Cookie', 'a=1; Path=/');
    print('Started', '<b>', 'ünï');
    void this.tasks.run();
  }

  @Background()
  @Get('ends/:n')
  async ends(@Param('n', ParseIntPipe) n: number): Promise<object> {
    print(`line ${n}`);
    setProgress(100 * n, { of: 'all' });
    return { n, big: 2n ** 70n };
  }

  @Background()
  @Get('fails')
  async fails(): Promise<never> {
    print('x');
    throw new TypeError('boom');
  }

  @Backgrounder()
  @Post('posts')
  @HttpCode(299)
  @Header('X-Mine', 'yes')
  posts(@Body() body: unknown): void {
    print(JSON.stringify(body));
    void this.tasks.run();
  }

  @Backgrounder()
  @UseGuards(KeyGuard)
  @Delete('guarded/:id')
  guarded(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('own/object')
  ownObject(): object {
    return { ok: true };
  }

  @Backgrounder()
  @Get('own/string')
  @HttpCode(203)
  @Header('Content-Type', 'text/plain; charset=utf-8')
  ownString(): string {
    return 'words';
  }

  @Backgrounder()
  @Get('own/nothing')
  ownNothing(): void {}

  @Backgrounder()
  @Get('own/observable')
  ownObservable(): unknown {
    return of({ n: 1 }, { n: 2 });
  }

  @Backgrounder()
  @Get('own/exception')
  ownException(): void {
    throw new BadRequestException('no');
  }

  @Backgrounder()
  @Get('own/error')
  ownError(): void {
    throw new Error('a secret');
  }
}

type Ask = (app: TestApp) => Promise<Response>;

const jsonPlease = { headers: { accept: 'application/json' } };
const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };
const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":3}' };
const withKey = { headers: { 'x-key': 'secret' } };

function accepting(accept: string): RequestInit {
  return { headers: { accept } };
}

function jsonWithin(seconds: number): RequestInit {
  return { headers: { ...jsonPlease.headers, prefer: `wait=${seconds}` } };
}

/** The output of a job as it comes, to its end. */
function followed(path: string, init: RequestInit): Ask {
  return async (app) => app.fetch(`${await startAt(app, path)}&_follow=1`, init);
}

function ask(path: string, init?: RequestInit): Ask {
  return (app) => app.fetch(path, init);
}

/** A poll of a job that is running. */
function watch(path: string, start?: RequestInit, poll?: RequestInit, more = ''): Ask {
  return async (app) => {
    const location = await startAt(app, path, start);
    await until(async () => (await app.service.find(idIn(location)))?.state === 'running');
    return app.fetch(location + more, poll);
  };
}

/** A poll of a job that is over. */
function end(path: string, poll?: RequestInit): Ask {
  return async (app) => pollToTheEnd(app, await startAt(app, path), poll);
}

/** A poll of one route for the job of another. */
function elsewhere(path: string): Ask {
  return async (app) => app.fetch(`${path}?_t=${idIn(await startAt(app, '/ends/1'))}`);
}

const REQUESTS: Record<string, Ask> = {
  'a start': ask('/waits'),
  'a start by a browser': ask('/waits', browser),
  'a start with a query': ask('/waits?a=1&b=x%20y&a=2&_tt=3'),
  'a start for JSON': ask('/waits', jsonPlease),
  'a start with Prefer': ask('/waits', { headers: { prefer: 'respond-async' } }),
  'a start by POST': ask('/posts?_t=old', post),
  'a start by POST for JSON': ask('/posts', { ...post, ...jsonPlease }),
  'a start by DELETE': ask('/guarded/7', { method: 'DELETE', ...withKey }),
  'a start of a route that is a job': ask('/ends/1'),
  'a start that a guard refuses': ask('/guarded/7', { method: 'DELETE' }),
  'a start that a pipe refuses': ask('/ends/x'),
  'a start that is followed': ask('/posts', { ...post, redirect: 'follow' }),
  'HEAD of a route': ask('/waits', { method: 'HEAD' }),
  'HEAD of a route that is a job': ask('/ends/1', { method: 'HEAD' }),
  'HEAD of a companion': ask('/posts', { method: 'HEAD' }),
  'a prefetch': ask('/waits', { headers: { 'sec-purpose': 'prefetch' } }),
  'a poll': watch('/waits'),
  'a poll by a browser': watch('/waits', browser, browser, '&_follow=0'),
  'a poll for events so far': watch('/waits', {}, accepting('text/event-stream'), '&_follow=0'),
  'a poll for lines so far': watch('/waits', {}, accepting('application/x-ndjson'), '&_follow=0'),
  'a poll for events by HEAD': watch(
    '/waits',
    {},
    {
      ...accepting('text/event-stream'),
      method: 'HEAD',
    },
  ),
  'a poll by a link': watch('/waits', {}, browser, '&_as=json'),
  'a long poll': watch('/waits', {}, jsonWithin(1), '&_after=0'),
  'a start that is waited for': ask('/ends/1', jsonWithin(30)),
  'an attempt to cancel': watch('/waits', {}, { method: 'POST' }, '&_cancel=1'),
  'the page of a job that is done': end('/ends/1', browser),
  'the page of a job that failed': end('/fails', browser),
  'a job that is done, followed as text': followed('/ends/1', {}),
  'a job that is done, as events': end('/ends/1', accepting('text/event-stream')),
  'a job that failed, as events': end('/fails', accepting('text/event-stream')),
  'a job that failed, as lines': end('/fails', accepting('application/x-ndjson')),
  'an EventSource that comes back after the end': end('/ends/1', {
    headers: { accept: 'text/event-stream', 'last-event-id': '99' },
  }),
  'a poll for JSON': watch('/waits', {}, jsonPlease),
  'a poll for what comes next': watch('/waits', {}, jsonPlease, '&_after=1'),
  'a poll with nonsense after': watch('/waits', {}, {}, '&_after=x'),
  'a poll by HEAD': watch('/waits', {}, { method: 'HEAD' }),
  'a poll of a POST': watch('/posts', post),
  'a poll of a POST for JSON': watch('/posts', post, jsonPlease),
  'a poll that a guard lets pass': watch('/guarded/7', { method: 'DELETE', ...withKey }, withKey),
  'a poll that a guard refuses': watch('/guarded/7', { method: 'DELETE', ...withKey }),
  'a poll of a job that is done': end('/ends/1'),
  'a poll of a job that is done, for JSON': end('/ends/1', jsonPlease),
  'a poll of a job that failed': end('/fails'),
  'a poll of a job that failed, for JSON': end('/fails', jsonPlease),
  'a poll with no id': ask('/waits?_t='),
  'a poll with a bad id': ask('/waits?_t=x'),
  'a poll with two ids': ask('/waits?_t=a&_t=b'),
  'a poll with a list of ids': ask('/waits?_t[]=a'),
  'a poll with broken escapes': ask('/waits?_t=%E0%A4%A'),
  'a poll with an unknown id': ask('/waits?_t=019a0000-0000-7000-8000-000000000000'),
  'a poll of a companion with a bad id': ask('/posts?_t=x'),
  'a poll of another route': elsewhere('/waits'),
  'a poll of another path of the route': elsewhere('/ends/2'),
  'a poll of a companion for another job': elsewhere('/posts'),
  'a companion without an id': ask('/posts'),
  'a companion with another parameter': ask('/posts?a=1'),
  'an object of the handler’s own': ask('/own/object'),
  'a string of the handler’s own': ask('/own/string'),
  'nothing of the handler’s own': ask('/own/nothing'),
  'an Observable of the handler’s own': ask('/own/observable'),
  'an exception of the handler’s own': ask('/own/exception'),
  'an error of the handler’s own': ask('/own/error'),
};

/** What differs by framework on every route, and has nothing to do with jobs. */
const OF_THE_FRAMEWORK = ['date', 'connection', 'keep-alive', 'x-powered-by', 'etag'];

async function seen(response: Response): Promise<unknown> {
  const headers = [...response.headers].filter(([name]) => !OF_THE_FRAMEWORK.includes(name));
  const masked = JSON.stringify([response.status, headers, await response.text()], null, 1);
  return maskIds(masked)
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| UTC)/g, '<time>')
    .replace(/(nonce(?:=\\"|-))[\w+/=]+/g, '$1<nonce>')
    .replace(/"retry-after",\s+"\d+"/g, '<a while>')
    .replace(/retry: \d+/g, 'retry: <a while>')
    .replace(/\b[\d.]+ m?s\b/g, '<a while>')
    .split('\n');
}

describe('Express and Fastify give the same answer to', () => {
  let express: TestApp;
  let fastify: TestApp;

  beforeAll(async () => {
    const options = { controllers: [Everything], providers: [Tasks] };
    // Enough for every job that is left waiting here.
    const background = { concurrency: 100 };
    express = await startApp({ ...options, background, platform: 'express' });
    fastify = await startApp({ ...options, background, platform: 'fastify' });
  });

  afterAll(async () => {
    await express[Symbol.asyncDispose]();
    await fastify[Symbol.asyncDispose]();
  });

  it.each(Object.keys(REQUESTS))('%s', async (name) => {
    const asked = REQUESTS[name]!;
    const [one, other] = [await asked(express), await asked(fastify)];
    expect(await seen(other)).toEqual(await seen(one));
  });

  it('a start that is polled to the end, output and all', async () => {
    for (const app of [express, fastify]) app.get(Tasks).gate.open();
    const transcripts = [express, fastify].map(async (app) => {
      const started = await app.fetch('/waits');
      expect(started.headers.get('set-cookie')).toBe('a=1; Path=/');
      const done = await pollToTheEnd(app, locationOf(started));
      return [await done.text(), ...Object.values(await app.service.counts()).map(Boolean)];
    });
    const [one, other] = await Promise.all(transcripts);
    expect(one).toEqual(other);
    expect(one?.[0]).toBe('Started <b> ünï\ntask\n');
  });
});

import type { AddressInfo, Server } from 'node:net';
import {
  Module,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import {
  BackgroundModule,
  BackgroundService,
  type BackgroundModuleOptions,
} from '../../src/index.js';
import { MemoryLogger } from './memory-logger.js';

export type Platform = 'express' | 'fastify';
export const PLATFORMS: readonly Platform[] = ['express', 'fastify'];

export interface TestAppOptions extends Pick<
  ModuleMetadata,
  'controllers' | 'providers' | 'imports'
> {
  background?: BackgroundModuleOptions;
  platform?: Platform;
  interceptors?: NestInterceptor[];
  prefix?: string;
  /** Instead of `platform`, where the adapter itself matters. */
  adapter?: ExpressAdapter | FastifyAdapter;
  /** What `main.ts` would do before it listens. */
  configure?: (app: INestApplication) => void;
}

/** A running application, and what tests ask of it. Close it with `await using`. */
export interface TestApp extends AsyncDisposable {
  readonly app: INestApplication;
  readonly service: BackgroundService;
  readonly log: MemoryLogger;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  get<T>(token: new (...args: never[]) => T): T;
  /** A request to the application; redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

const open = new Set<TestApp>();

/** Starts an application on a free port of 127.0.0.1. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { background, platform = 'express', imports = [], controllers, providers } = options;

  @Module({
    imports: [BackgroundModule.forRoot({ shutdown: { grace: 0 }, ...background }), ...imports],
    ...{ controllers, providers },
  })
  class TestModule {}

  const log = new MemoryLogger();
  const adapter = options.adapter ?? adapterFor(platform);
  const app = await NestFactory.create(TestModule, adapter, { logger: log, abortOnError: false });
  if (options.prefix) app.setGlobalPrefix(options.prefix);
  app.useGlobalInterceptors(...(options.interceptors ?? []));
  options.configure?.(app);
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as Server;
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const testApp: TestApp = {
    app,
    log,
    origin,
    service: app.get(BackgroundService),
    get: (token) => app.get(token, { strict: false }),
    fetch: (path, init) => fetch(`${origin}${path}`, { redirect: 'manual', ...init }),
    async [Symbol.asyncDispose]() {
      open.delete(testApp);
      await app.close();
    },
  };
  open.add(testApp);
  return testApp;
}

function adapterFor(platform: Platform): ExpressAdapter | FastifyAdapter {
  return platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
}

/** Closes what a failing test left open. */
export async function closeApps(): Promise<void> {
  await Promise.all([...open].map((app) => app[Symbol.asyncDispose]()));
}

import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Background, BackgroundModule } from '../../dist/index.js';

/** The concurrency of all sides. */
export const CONCURRENCY = 10;

/** What TypeScript makes of `@Background()` above a method: these files are plain JavaScript. */
export function inBackground(jobs, method) {
  const { prototype } = jobs;
  const found = Object.getOwnPropertyDescriptor(prototype, method);
  Object.defineProperty(
    prototype,
    method,
    Reflect.decorate([Background()], prototype, method, found),
  );
}

/**
 * A Nest application with one provider, in memory, with the defaults that users have.
 * @returns Its instance of the class, and `close`.
 */
export async function startApplication(Jobs, options = {}) {
  class Root {}
  Injectable()(Jobs);
  Module({
    imports: [BackgroundModule.forRoot({ concurrency: CONCURRENCY, ...options })],
    providers: [Jobs],
  })(Root);
  const application = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
  return { jobs: application.get(Jobs), close: () => application.close() };
}

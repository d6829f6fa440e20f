import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Background, BackgroundModule } from '../../dist/index.js';

/** The concurrency of all sides. */
export const CONCURRENCY = 10;

/** What TypeScript makes of `@Background()` above a method: these files are plain JavaScript. */
export function inBackground(jobs, method, options) {
  const { prototype } = jobs;
  const found = Object.getOwnPropertyDescriptor(prototype, method);
  Object.defineProperty(
    prototype,
    method,
    Reflect.decorate([Background(options)], prototype, method, found),
  );
}

/**
 * A Nest application with one provider, in memory if nothing else is said, with the defaults that users have.
 * @returns It, its instance of the class, and `close`.
 */
export async function startApplication(Jobs, options = {}, imports = []) {
  class Root {}
  Injectable()(Jobs);
  Module({
    imports: [...imports, BackgroundModule.forRoot({ concurrency: CONCURRENCY, ...options })],
    providers: [Jobs],
  })(Root);
  const application = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
  return { application, jobs: application.get(Jobs), close: () => application.close() };
}

import { Injectable } from '@nestjs/common';
import {
  background,
  Background,
  type BackgroundModuleOptions,
  type BackgroundOptions,
  type JobFuture,
} from '../../src/index.js';
import { startApp, type TestApp, type TestAppOptions } from './test-app.js';

/** A job of any code, so that a test can say in place what the job does. */
@Injectable()
export class AnyJob {
  @Background()
  async run(work: () => unknown): Promise<unknown> {
    return work();
  }
}

/** An application whose jobs the test writes in place. */
export interface JobsApp extends TestApp {
  run<T>(work: () => T, options?: BackgroundOptions): JobFuture<Awaited<T>>;
}

export async function startJobs(
  background_: BackgroundModuleOptions = {},
  options: TestAppOptions = {},
): Promise<JobsApp> {
  const providers = [AnyJob, ...(options.providers ?? [])];
  const app = await startApp({ ...options, providers, background: background_ });
  const job = app.get(AnyJob);
  return Object.assign(app, {
    run: <T>(work: () => T, options?: BackgroundOptions) =>
      background(job, options).run(work) as JobFuture<Awaited<T>>,
  });
}

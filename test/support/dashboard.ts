import { Injectable } from '@nestjs/common';
import {
  Background,
  background,
  setProgress,
  type BackgroundModuleOptions,
} from '../../src/index.js';
import {
  BackgroundDashboardModule,
  type BackgroundDashboardOptions,
} from '../../src/dashboard/index.js';
import { HOSTILE } from './hostile.js';
import { Show, ShowController } from './show.js';
import { startApp, type Platform, type TestApp, type TestAppOptions } from './test-app.js';

interface DashboardApp extends TestAppOptions {
  dashboard?: BackgroundDashboardOptions;
}

/** An application with a dashboard at `/jobs` that everybody may see, beside routes that start jobs of every kind. */
export function startDashboard(options: DashboardApp = {}): Promise<TestApp> {
  const { dashboard = { public: true }, background, ...others } = options;
  const quiet: BackgroundModuleOptions = { output: { console: 'capture' }, ...background };
  return startApp({
    ...{ controllers: [ShowController], providers: [Show], ...others },
    background: quiet,
    imports: [BackgroundDashboardModule.forRoot(dashboard), ...(options.imports ?? [])],
  });
}

@Injectable()
class Reporter {
  @Background()
  async report(text: string): Promise<void> {
    setProgress(50, text);
    throw new Error(text);
  }
}

/** What of a text can be the name of a job. */
export function nameFrom(text: string): string {
  return text.replaceAll('\0', '').slice(0, 255) || 'nameless';
}

/** Jobs that are named as texts say, report them and fail with them. */
export async function startHostile(
  platform: Platform = 'express',
  texts: readonly string[] = HOSTILE,
): Promise<TestApp> {
  const app = await startDashboard({ platform, controllers: [], providers: [Reporter] });
  const reporter = app.get(Reporter);
  const jobs = texts.map((text) => background(reporter, { name: nameFrom(text) }).report(text));
  await Promise.allSettled(jobs);
  return app;
}

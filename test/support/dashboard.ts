import type { BackgroundModuleOptions } from '../../src/index.js';
import {
  BackgroundDashboardModule,
  type BackgroundDashboardOptions,
} from '../../src/dashboard/index.js';
import { Show, ShowController } from './show.js';
import { startApp, type TestApp, type TestAppOptions } from './test-app.js';

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

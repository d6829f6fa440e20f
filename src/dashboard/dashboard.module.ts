import {
  Module,
  type CanActivate,
  type DynamicModule,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import type { ExposeOptions } from '../decorators/route-door.js';
import {
  aFlag,
  anObjectOf,
  anything,
  aText,
  checkOptions,
  type OptionRule,
} from '../errors/check-options.js';
import { UnguardedDashboardError } from '../errors/setup.errors.js';
import { dashboardController } from './dashboard.controller.js';
import { Dashboard, EXPOSE } from './dashboard.js';

/** What `BackgroundDashboardModule.forRoot` takes. */
export interface BackgroundDashboardOptions {
  /** Where it is, below the global prefix of the application; default `'jobs'`. */
  path?: string;
  /** Who may see and do everything there: classes or instances, as `@UseGuards()` takes them. */
  guards?: (Type<CanActivate> | CanActivate)[];
  /** Says that it is meant to have no guards of its own. Default `false`. */
  public?: boolean;
  /** The modules that export what the guards are injected with. */
  imports?: ModuleMetadata['imports'];
  /** What is shown of results and errors: by default results and messages, no stacks. */
  expose?: ExposeOptions;
}

const GUARDS: OptionRule = {
  expected: 'a list of guards, classes or instances, as @UseGuards() takes them',
  accepts: (value) => Array.isArray(value) && value.every(isGuard),
};

const RULES = {
  path: aText,
  guards: GUARDS,
  public: aFlag,
  imports: anything,
  expose: anObjectOf({ result: aFlag, message: aFlag, stack: aFlag }),
};

/**
 * All jobs of an application in a table, each with its page, to be cancelled or run again there. Beside
 * `BackgroundModule.forRoot()`, whose jobs it shows. (web.py's table of background jobs, with a guard before it.)
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [BackgroundModule.forRoot(), BackgroundDashboardModule.forRoot({ guards: [AdminGuard] })],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class BackgroundDashboardModule {
  /**
   * @throws UnguardedDashboardError where neither `guards` nor `public` is given, or both.
   * @throws BackgroundOptionsError for options that cannot be meant.
   */
  static forRoot(options: BackgroundDashboardOptions = {}): DynamicModule {
    checkOptions('BackgroundDashboardModule.forRoot()', options, RULES);
    const { path = 'jobs', guards = [], imports = [], expose = {} } = options;
    const isPublic = options.public === true;
    if (isPublic === guards.length > 0) {
      throw new UnguardedDashboardError(path, isPublic);
    }
    return {
      module: BackgroundDashboardModule,
      imports,
      controllers: [dashboardController(path, guards)],
      providers: [Dashboard, { provide: EXPOSE, useValue: expose }],
    };
  }
}

function isGuard(value: unknown): boolean {
  return typeof value === 'function' || typeof (value as CanActivate)?.canActivate === 'function';
}

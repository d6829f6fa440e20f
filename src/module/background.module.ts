import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
  type NestModule,
  type OnModuleInit,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { JOB_ROUTES } from '../decorators/route-door.js';
import { RUNTIME } from '../decorators/runtime-injection.js';
import { BackgroundError } from '../errors/background.error.js';
import { aFunction, anything, checkOptions } from '../errors/check-options.js';
import { CompanionRoutes } from '../http/companion-routes.js';
import { JobRoutesInterceptor } from '../http/job-routes.interceptor.js';
import { BackgroundRuntime } from '../runtime/background-runtime.js';
import {
  checkModuleOptions,
  readOptions,
  type BackgroundModuleOptions,
} from '../runtime/runtime-options.js';
import { BackgroundService } from './background.service.js';
import { dataSourcesOf } from './data-sources.js';
import { JobExplorer } from './job.explorer.js';

/** For `forRootAsync({ useClass })` and `useExisting`. */
export interface BackgroundOptionsFactory {
  createBackgroundOptions(): BackgroundModuleOptions | Promise<BackgroundModuleOptions>;
}

/** What `BackgroundModule.forRootAsync` takes: exactly one of the three ways to get at the options. */
export interface BackgroundModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  useFactory?: (...args: never[]) => BackgroundModuleOptions | Promise<BackgroundModuleOptions>;
  useClass?: Type<BackgroundOptionsFactory>;
  useExisting?: InjectionToken;
}

const ASYNC_OPTIONS = {
  ...{ imports: anything, inject: anything },
  ...{ useFactory: aFunction, useClass: aFunction, useExisting: anything },
};

const OPTIONS = Symbol('the options of BackgroundModule.forRoot()');

const runtimeProvider: FactoryProvider = {
  provide: RUNTIME,
  inject: [OPTIONS, ModulesContainer],
  async useFactory(options: BackgroundModuleOptions, modules: ModulesContainer) {
    const runtime = new BackgroundRuntime(readOptions(options), () => dataSourcesOf(modules));
    await runtime.open();
    return runtime;
  },
};

/** Import `BackgroundModule.forRoot()` once, in the root module: its service and decorators then work everywhere. */
@Module({})
export class BackgroundModule implements NestModule, OnModuleInit, BeforeApplicationShutdown {
  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly modules: ModulesContainer,
    private readonly companions: CompanionRoutes,
  ) {}

  /** @throws BackgroundOptionsError for options that cannot be meant. */
  static forRoot(options: BackgroundModuleOptions = {}): DynamicModule {
    checkModuleOptions(options);
    return moduleWith([{ provide: OPTIONS, useValue: options }]);
  }

  /**
   * The same with options that must be fetched first. Bad ones are an error at start.
   * @throws BackgroundError where none or several of `useFactory`, `useClass` and `useExisting` are given.
   */
  static forRootAsync(options: BackgroundModuleAsyncOptions = {}): DynamicModule {
    return moduleWith(optionsProviders(options), options.imports);
  }

  /** The last moment before Nest registers routes: Fastify would refuse a clash without naming names. */
  configure(): void {
    this.companions.check();
  }

  /** @throws BackgroundError where it is imported twice. */
  onModuleInit(): void {
    const copies = [...this.modules.values()].filter(
      ({ metatype }) => metatype === BackgroundModule,
    );
    if (copies.length === 1) return;
    throw new BackgroundError(
      `BackgroundModule is imported ${copies.length} times, each time with options of its own. ` +
        'Import BackgroundModule.forRoot() once, in the root module: it is global.',
    );
  }

  /** While the database is open and pages are still served. */
  beforeApplicationShutdown(): Promise<void> {
    return this.runtime.close();
  }
}

function moduleWith(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
  return {
    module: BackgroundModule,
    global: true,
    imports,
    providers: [
      ...options,
      runtimeProvider,
      JobRoutesInterceptor,
      { provide: JOB_ROUTES, useExisting: JobRoutesInterceptor },
      CompanionRoutes,
      JobExplorer,
      BackgroundService,
    ],
    exports: [RUNTIME, JOB_ROUTES, BackgroundService],
  };
}

function optionsProviders(options: BackgroundModuleAsyncOptions): Provider[] {
  checkOptions('BackgroundModule.forRootAsync()', options, ASYNC_OPTIONS);
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter(Boolean);
  if (given.length !== 1) {
    throw new BackgroundError(
      `BackgroundModule.forRootAsync() was given ${given.length} of useFactory, useClass and useExisting. ` +
        'Give it exactly one.',
    );
  }
  if (useFactory) return [{ provide: OPTIONS, useFactory, inject } as Provider];
  const factory = useExisting ?? useClass!;
  const useCreate = (made: BackgroundOptionsFactory): unknown => made.createBackgroundOptions();
  const provider: Provider = { provide: OPTIONS, inject: [factory], useFactory: useCreate };
  return useClass ? [useClass, provider] : [provider];
}

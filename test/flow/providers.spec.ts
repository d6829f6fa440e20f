import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  background,
  Background,
  BackgroundError,
  BackgroundModule,
  BackgroundService,
  DuplicateJobNameError,
  jobOf,
} from '../../src/index.js';
import { closeApps, startApp, type TestAppOptions } from '../support/test-app.js';
import { MemoryLogger } from '../support/memory-logger.js';

afterEach(closeApps);

@Injectable()
class Reports {
  @Background()
  async build(): Promise<string> {
    return 'built';
  }
}

/** What Nest itself reads of every provider. */
const READ_BY_NEST = [
  ...['then', 'onModuleInit', 'onApplicationBootstrap'],
  ...['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'],
];

/** Refuses what it does not know, as proxies of `nestjs-cls` do outside of a request. */
function strictProxy(known: string[] = ['constructor']): object {
  return new Proxy(Object.create(null) as object, {
    get(_target, key) {
      if (typeof key === 'symbol' || [...READ_BY_NEST, ...known].includes(key)) return undefined;
      throw new Error(`"${key}" cannot be read here`);
    },
  });
}

@Injectable()
class StrictItself {
  constructor() {
    return strictProxy([]);
  }
}

@Injectable()
class WithThrowingGetter {
  get createQueryRunner(): never {
    throw new Error('not connected');
  }
}

/** The names of the jobs that an application knows, once the call is through. */
async function jobsAfter(
  options: TestAppOptions,
  call: (get: <T>(token: Type<T>) => T, moduleRef: ModuleRef) => unknown,
): Promise<string[]> {
  const app = await startApp(options);
  await call(app.get, app.app.get(ModuleRef));
  return (await app.service.list()).map(({ name }) => name);
}

describe('A job belongs to the application that made its instance, where that is', () => {
  it('a provider', async () => {
    const names = await jobsAfter({ providers: [Reports] }, (get) => get(Reports).build());
    expect(names).toEqual(['Reports.build']);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])('a provider of scope %p', async (scope) => {
    @Injectable({ scope })
    class Scoped {
      constructor(@Inject('TITLE') readonly title: string) {}
      @Background()
      async build(): Promise<string> {
        return this.title;
      }
    }
    const providers = [Scoped, { provide: 'TITLE', useValue: 'title' }];
    const names = await jobsAfter({ providers }, async (_get, moduleRef) => {
      const [first, second] = await Promise.all(
        [1, 2].map(() => moduleRef.resolve(Scoped, ContextIdFactory.create(), { strict: false })),
      );
      expect(first).not.toBe(second);
      expect(await first!.build()).toBe('title');
      expect(await second!.build()).toBe('title');
    });
    expect(names).toEqual(['Scoped.build', 'Scoped.build']);
  });

  it.each([
    ['useFactory', { provide: Reports, useFactory: () => new Reports() }],
    ['an async useFactory', { provide: Reports, useFactory: async () => new Reports() }],
    ['useValue', { provide: Reports, useValue: new Reports() }],
    ['useClass', { provide: Reports, useClass: class extends Reports {} }],
  ])('a provider made by %s', async (_how, provider) => {
    const names = await jobsAfter({ providers: [provider] }, (get) => get(Reports).build());
    expect(names).toHaveLength(1);
  });

  it('no provider that is frozen: that is an error which says what to do', async () => {
    const provider = { provide: Reports, useValue: Object.freeze(new Reports()) };
    const starting = startApp({ providers: [provider] });
    await expect(starting).rejects.toThrow(BackgroundError);
    await expect(starting).rejects.toThrow(/An instance of Reports .* frozen .* Do not freeze it/);
  });

  it.each([
    ['a proxy that refuses what it does not know', { provide: 'STRICT', useValue: strictProxy() }],
    ['a factory that gives one', { provide: 'STRICT', useFactory: () => strictProxy() }],
    ['a class that makes one, which refuses its constructor too', StrictItself],
    ['a class with a getter that throws', WithThrowingGetter],
  ])('a provider beside one that cannot be looked at: %s', async (_what, provider) => {
    const names = await jobsAfter({ providers: [provider, Reports] }, (get) =>
      get(Reports).build(),
    );
    expect(names).toEqual(['Reports.build']);
  });

  it('a provider with injected properties of its own, also inherited ones', async () => {
    class Base {
      @Inject('TITLE') readonly title!: string;
    }
    @Injectable()
    class Titled extends Base {
      @Inject('OTHER') readonly other!: string;
      @Background()
      async build(): Promise<string> {
        return this.title + this.other;
      }
    }
    const providers = ['TITLE', 'OTHER'].map((provide) => ({ provide, useValue: provide }));
    const names = await jobsAfter({ providers: [Titled, ...providers] }, async (get) => {
      expect(await get(Titled).build()).toBe('TITLEOTHER');
    });
    expect(names).toEqual(['Titled.build']);
  });

  it('a provider that calls itself as soon as the application starts', async () => {
    @Injectable()
    class Eager {
      job: Promise<string> | undefined;
      onModuleInit(): void {
        this.job = this.build();
      }
      @Background()
      async build(): Promise<string> {
        return 'built';
      }
    }
    const names = await jobsAfter({ providers: [Eager] }, (get) => get(Eager).job);
    expect(names).toEqual(['Eager.build']);
  });
});

describe('An instance that no application made', () => {
  it('runs its jobs on the embedded default, unknown to applications', async () => {
    const app = await startApp({ providers: [Reports] });
    const job = jobOf(new Reports().build());
    expect(await job).toBe('built');
    expect(await job.job()).toMatchObject({ name: 'Reports.build', state: 'completed' });
    expect(await app.service.find(job.id)).toBeUndefined();
  });

  it('does so even while an application is open, and after it is closed', async () => {
    const app = await startApp({ providers: [Reports] });
    const instance = new Reports();
    expect(await instance.build()).toBe('built');
    await app.app.close();
    expect(await instance.build()).toBe('built');
    await expect(app.get(Reports).build()).rejects.toThrow(/shutting down/);
  });
});

describe('Two jobs of one name are an error at start that names both:', () => {
  const start = async (...providers: Type[]): Promise<unknown> =>
    startApp({ providers }).catch((error: unknown) => error);

  it('two methods', async () => {
    @Injectable()
    class Invoices {
      @Background({ name: 'build' })
      async one(): Promise<void> {}
      @Background({ name: 'build' })
      async other(): Promise<void> {}
    }
    const error = await start(Invoices);
    expect(error).toBeInstanceOf(DuplicateJobNameError);
    expect(String(error)).toMatch(/"build".*Invoices\.one.*Invoices\.other.*@Background\(\{ name/);
  });

  it('two classes', async () => {
    const Other = { Reports: class Reports extends Object {} };
    const descriptor = { value: async () => {}, configurable: true, writable: true };
    Background()(Other.Reports.prototype, 'build', descriptor);
    Object.defineProperty(Other.Reports.prototype, 'build', descriptor);
    const error = await start(Reports, Other.Reports);
    expect(error).toBeInstanceOf(DuplicateJobNameError);
    expect(error).toMatchObject({ jobName: 'Reports.build' });
    expect(String(error)).toContain('Reports.build (in TestModule) and Reports.build (in');
  });

  it('but not one class in two modules', async () => {
    @Module({ providers: [Reports] })
    class Other {}
    const app = await startApp({ imports: [Other], providers: [Reports] });
    expect(await app.get(Reports).build()).toBe('built');
  });
});

describe('An application', () => {
  async function startBare(module: Type): Promise<unknown> {
    const logger = new MemoryLogger();
    const app = await NestFactory.create(module, { logger, abortOnError: false });
    try {
      return await app.init();
    } finally {
      await app.close();
    }
  }

  it('without BackgroundModule.forRoot() does not start, and says what is missing', async () => {
    @Module({ providers: [Reports] })
    class Bare {}
    const error: unknown = await startBare(Bare).catch((error: unknown) => error);
    expect(String(error)).toMatch(/Reports/);
    expect(String(error)).toMatch(/add BackgroundModule\.forRoot\(\) to the imports of the root/);
  });

  it('that imports it twice does not start, and says so', async () => {
    @Module({ imports: [BackgroundModule.forRoot()] })
    class Feature {}
    @Module({ imports: [BackgroundModule.forRoot(), Feature] })
    class Root {}
    const error: unknown = await startBare(Root).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(BackgroundError);
    expect(String(error)).toMatch(/imported 2 times.*once, in the root module/);
  });

  it('may share what forRoot() once returned among its modules', async () => {
    const shared = BackgroundModule.forRoot();
    @Module({ imports: [shared] })
    class Feature {}
    @Module({ imports: [shared, Feature] })
    class Root {}
    await expect(startBare(Root)).resolves.toBeDefined();
  });

  it('has its service everywhere, without another import', async () => {
    @Injectable()
    class Starter {
      constructor(private readonly jobs: BackgroundService) {}
      start(): string {
        return this.jobs.perform((a: number, b: number) => a + b, 1, 2);
      }
    }
    @Module({ providers: [Starter] })
    class Feature {}
    const app = await startApp({ imports: [Feature] });
    expect(await app.service.wait(app.get(Starter).start())).toBe(3);
  });

  it('may run jobs of options that differ from call to call', async () => {
    const app = await startApp({ providers: [Reports] });
    const reports = app.get(Reports);
    const jobs = [background(reports, { name: 'once' }).build(), jobOf(reports.build())];
    await Promise.all(jobs);
    expect(jobs.map(({ name }) => name)).toEqual(['once', 'Reports.build']);
  });
});

import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Background,
  BackgroundModule,
  BackgroundService,
  QueueFullError,
  type BackgroundModuleAsyncOptions,
  type BackgroundModuleOptions,
  type BackgroundOptionsFactory,
} from '../../src/index.js';
import { MemoryLogger } from '../support/memory-logger.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const TIGHT: BackgroundModuleOptions = {
  concurrency: 1,
  queueLimit: 0,
  shutdown: { grace: 0 },
};

@Injectable()
class Config {
  readonly options = TIGHT;
}

@Module({ providers: [Config], exports: [Config] })
class ConfigModule {}

@Injectable()
class OptionsFromConfig implements BackgroundOptionsFactory {
  constructor(private readonly config: Config) {}

  async createBackgroundOptions(): Promise<BackgroundModuleOptions> {
    return this.config.options;
  }
}

@Module({
  imports: [ConfigModule],
  providers: [OptionsFromConfig],
  exports: [OptionsFromConfig],
})
class OptionsModule {}

async function start(options: BackgroundModuleAsyncOptions): Promise<BackgroundService> {
  @Module({ imports: [BackgroundModule.forRootAsync(options)] })
  class Root {}
  const logger = new MemoryLogger();
  const app = await NestFactory.createApplicationContext(Root, { logger, abortOnError: false });
  closing.push(() => app.close());
  return app.get(BackgroundService);
}

const WAYS: [way: string, options: BackgroundModuleAsyncOptions][] = [
  ['a factory', { useFactory: () => TIGHT }],
  ['an async factory', { useFactory: async () => TIGHT }],
  [
    'a factory with what it needs',
    {
      imports: [ConfigModule],
      inject: [Config, { token: 'NOTHING', optional: true }],
      useFactory: (config: Config, nothing: unknown) => (nothing ? {} : config.options),
    },
  ],
  ['a class', { imports: [ConfigModule], useClass: OptionsFromConfig }],
  ['a class that is there already', { imports: [OptionsModule], useExisting: OptionsFromConfig }],
];

describe('BackgroundModule.forRootAsync()', () => {
  it.each(WAYS)('takes its options from %s', async (_way, options) => {
    const service = await start(options);
    service.perform(() => new Promise(() => {}));
    const refused = service.perform(() => 1);
    expect(await service.find(refused)).toBeUndefined();
    expect((await service.counts()).running + (await service.counts()).queued).toBe(1);
  });

  it('takes a factory that gives nothing for one without options', async () => {
    const service = await start({ useFactory: () => undefined as never });
    expect(await service.wait(service.perform(() => 7))).toBe(7);
  });

  it('refuses options that cannot be meant at start, as forRoot() does', async () => {
    const options = { concurency: 1 } as BackgroundModuleOptions;
    await expect(start({ useFactory: async () => options })).rejects.toThrow(
      /no option "concurency".*"concurrency"\?/,
    );
  });

  it('hands on what its factory throws', async () => {
    const useFactory = (): never => {
      throw new Error('no configuration');
    };
    await expect(start({ useFactory })).rejects.toThrow('no configuration');
  });
});

describe('An application context without HTTP', () => {
  @Injectable()
  class Reports {
    @Background()
    async build(): Promise<string> {
      return 'built';
    }
  }

  it('runs jobs, and can be closed', async () => {
    @Module({ imports: [BackgroundModule.forRoot()], providers: [Reports] })
    class Root {}
    const app = await NestFactory.createApplicationContext(Root, { logger: false });
    expect(await app.get(Reports).build()).toBe('built');
    expect(await app.get(BackgroundService).list()).toHaveLength(1);
    await app.close();
  });

  it('may be a module under test, with providers overridden', async () => {
    const module = await Test.createTestingModule({
      imports: [BackgroundModule.forRoot({ concurrency: 1, queueLimit: 0 })],
      providers: [Reports],
    })
      .overrideProvider(Reports)
      .useValue(new Reports())
      .compile();
    await module.init();
    const reports = module.get(Reports);
    const jobs = [reports.build(), reports.build()];
    await expect(jobs[1]).rejects.toThrow(QueueFullError);
    expect(await jobs[0]).toBe('built');
    await module.close();
  });
});

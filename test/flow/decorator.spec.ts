import 'reflect-metadata';
import { Injectable, SetMetadata } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Background,
  Backgrounder,
  BackgroundError,
  currentJob,
  jobOf,
  JobFuture,
} from '../../src/index.js';
import { closeApps, startApp } from '../support/test-app.js';

afterEach(closeApps);

const nameIn = async (promise: Promise<unknown>): Promise<string> =>
  (await jobOf(promise).job()).name;

/** Puts another function around the method, as libraries do that trace or measure. */
function Traced(log: string[]): MethodDecorator {
  return (_target, key, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      log.push(`${String(key)} called`);
      return method.apply(this, args);
    };
  };
}

describe('A method under @Background()', () => {
  it('returns at once, with a future that is a promise of its result', async () => {
    class Reports {
      @Background()
      async build(id: number): Promise<number> {
        return id * 2;
      }
    }
    const promise = new Reports().build(21);
    expect(promise).toBeInstanceOf(Promise);
    expect(promise).toBeInstanceOf(JobFuture);
    expect(jobOf(promise)).toBe(promise);
    expect(await promise).toBe(42);
  });

  it('is called on its instance, with its arguments as they are', async () => {
    const argument = { self: undefined as unknown };
    class Reports {
      readonly #secret = 'secret';
      @Background()
      async build(...args: unknown[]): Promise<unknown[]> {
        return [this.#secret, this, ...args];
      }
    }
    const reports = new Reports();
    const [secret, instance, ...args] = await reports.build(argument, undefined, 3);
    expect([secret, instance, args]).toEqual(['secret', reports, [argument, undefined, 3]]);
    expect(args[0]).toBe(argument);
  });

  it('keeps its name and number of parameters', () => {
    class Reports {
      @Background()
      async build(id: number, options: object): Promise<unknown> {
        return { id, options };
      }
    }
    const { name, length } = Reports.prototype.build;
    expect({ name, length }).toEqual({ name: 'build', length: 2 });
  });

  it('keeps what other decorators noted on it, whichever stands above', () => {
    class Reports {
      @SetMetadata('above', 1)
      @Background()
      @SetMetadata('below', 2)
      async build(): Promise<void> {}
    }
    const { build } = Reports.prototype;
    expect(Reflect.getMetadata('above', build)).toBe(1);
    expect(Reflect.getMetadata('below', build)).toBe(2);
    expect(Reflect.getMetadata('design:returntype', Reports.prototype, 'build')).toBe(Promise);
  });

  it('works with decorators that put a function around it, whichever stands above', async () => {
    const log: string[] = [];
    class Reports {
      @Traced(log)
      @Background()
      async above(): Promise<unknown> {
        return currentJob()?.name;
      }

      @Background()
      @Traced(log)
      async below(): Promise<unknown> {
        return currentJob()?.name;
      }
    }
    const reports = new Reports();
    const above = reports.above();
    const below = reports.below();
    expect(log).toEqual(['above called']);
    expect(await above).toBe('Reports.above');
    expect(await below).toBe('Reports.below');
    expect(log).toEqual(['above called', 'below called']);
  });

  it('may throw before it returns a promise: the call returns one all the same', async () => {
    class Reports {
      @Background()
      build(): Promise<never> {
        throw new Error('at once');
      }
    }
    const promise = new Reports().build();
    await expect(promise).rejects.toThrow('at once');
  });

  it('may be static, or named by a symbol', async () => {
    const key = Symbol('build');
    class Reports {
      @Background()
      static async all(): Promise<unknown> {
        return this;
      }

      @Background()
      async [key](): Promise<string> {
        return 'built';
      }
    }
    const all = Reports.all();
    const built = new Reports()[key]();
    expect(await all).toBe(Reports);
    expect(await built).toBe('built');
    expect([await nameIn(all), await nameIn(built)]).toEqual([
      'Reports.all',
      'Reports.Symbol(build)',
    ]);
  });

  it('has the name that it is given', async () => {
    class Reports {
      @Background({ name: 'reports/build' })
      async build(): Promise<void> {}
    }
    expect(await nameIn(new Reports().build())).toBe('reports/build');
  });

  it('leaves no trace on its instance that a loop or JSON would come across', async () => {
    @Injectable()
    class Reports {
      title = 'a';
      @Background()
      async build(): Promise<void> {}
    }
    await using app = await startApp({ providers: [Reports] });
    const reports = app.get(Reports);
    const names: string[] = [];
    for (const name in reports) names.push(name);
    expect(names).toEqual(['title']);
    expect(JSON.stringify({ ...reports })).toBe('{"title":"a"}');
  });
});

describe('A class that inherits a decorated method', () => {
  class Base {
    readonly kind: string = 'base';

    @Background()
    async inherited(): Promise<string> {
      return `inherited by ${this.kind}`;
    }

    @Background()
    async overridden(): Promise<string> {
      return `overridden in ${this.kind}`;
    }

    @Background({ name: 'bare' })
    async undecorated(): Promise<string> {
      return `undecorated in ${this.kind}`;
    }
  }

  @Injectable()
  class Child extends Base {
    override readonly kind = 'child';

    @Background({ name: 'child/overridden' })
    override async overridden(): Promise<string> {
      return `new: ${await super.overridden()}`;
    }

    override async undecorated(): Promise<string> {
      return 'plain';
    }
  }

  it('runs it in the background too, under its own name', async () => {
    const promise = new Child().inherited();
    expect(await promise).toBe('inherited by child');
    expect(await nameIn(promise)).toBe('Child.inherited');
  });

  it('may override it, and call what it overrides: a job within the job', async () => {
    const promise = new Child().overridden();
    expect(await promise).toBe('new: overridden in child');
    expect(await nameIn(promise)).toBe('child/overridden');
  });

  it('may override it by a method that is no job', async () => {
    const promise = new Child().undecorated();
    expect(promise).not.toBeInstanceOf(JobFuture);
    expect(await promise).toBe('plain');
  });

  it('stands beside it in one application, and both belong to it', async () => {
    await using app = await startApp({ providers: [Base, Child] });
    const jobs = [app.get(Base).inherited(), app.get(Child).inherited()];
    expect(await Promise.all(jobs)).toEqual(['inherited by base', 'inherited by child']);
    const names = (await app.service.list()).map(({ name }) => name);
    expect(names).toEqual(['Child.inherited', 'Base.inherited']);
  });
});

describe.each([
  ['@Background()', Background],
  ['@Backgrounder()', Backgrounder],
])('%s', (name, decorator) => {
  it.each([
    ['a getter', { get: () => async () => {} }],
    ['a field', undefined],
    ['what is no function', { value: 5 }],
  ])('above %s says that it stands above no method', (_what, descriptor) => {
    class Reports {}
    const decorate = (): unknown =>
      (decorator() as (...args: unknown[]) => unknown)(Reports.prototype, 'build', descriptor);
    expect(decorate).toThrow(BackgroundError);
    expect(decorate).toThrow(`${name} on Reports.build stands above no method`);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { background, Background, currentJob, JobFuture } from '../../src/index.js';
import { closeApps, startApp } from '../support/test-app.js';

afterEach(closeApps);

describe('background() of an instance', () => {
  class Reports {
    readonly title = 'title';
    @Background({ name: 'build', timeout: '1h' })
    async build(id: number): Promise<number> {
      return id;
    }

    plain(id: number): string {
      return `${this.title} ${id} in ${currentJob()?.name}`;
    }
  }

  it('calls any of its methods in the background, decorated or not, with options for that call', async () => {
    const view = background(new Reports(), { name: 'once' });
    const futures = [view.build(7), view.plain(7)];
    expect(futures.map(({ name }) => name)).toEqual(['once', 'once']);
    expect(await Promise.all(futures)).toEqual([7, 'title 7 in once']);
    expect(background(new Reports()).build(1).name).toBe('build');
    expect(background(new Reports()).plain(1).name).toBe('Reports.plain');
  });

  it('makes one job of a decorated method, not two', async () => {
    await using app = await startApp({ providers: [Reports] });
    await background(app.get(Reports)).build(7);
    await background(app.get(Reports)).plain(7);
    expect(await app.service.list()).toHaveLength(2);
  });

  it('joins the application that made the instance, though none of its methods is decorated', async () => {
    class Plain {
      greet(): string {
        return 'hello';
      }
    }
    const shared = { greet: () => 'shared' };
    const providers = [Plain, { provide: 'shared', useValue: shared }];
    await using app = await startApp({ providers });
    await using other = await startApp({ providers });
    expect(await background(app.get(Plain)).greet()).toBe('hello');
    await background(shared).greet();
    expect((await app.service.list()).map(({ name }) => name)).toEqual(['Plain.greet']);
    expect(await other.service.list()).toEqual([]);
  });

  it('can be awaited by mistake without harm', async () => {
    const view = await Promise.resolve(background(new Reports()));
    expect(await view.build(3)).toBe(3);
  });

  it('takes an object of any make', async () => {
    const literal = { build: (id: number) => id };
    const bare = Object.assign(Object.create(null) as object, literal);
    expect(await background(literal).build(1)).toBe(1);
    expect(await background(bare).build(2)).toBe(2);
  });
});

describe('background() of a function', () => {
  it('gives the same function, which returns a future of its result', async () => {
    async function fetchAll(this: unknown, url: string): Promise<string> {
      return `all of ${url}`;
    }
    const future = background(fetchAll)('there');
    expect(future).toBeInstanceOf(JobFuture);
    expect(future.name).toBe('fetchAll');
    expect(await future).toBe('all of there');
  });

  it('takes functions that are not async, that have no name, that belong to an object', async () => {
    expect(await background((a: number, b: number) => a + b)(1, 2)).toBe(3);
    expect(background(() => 1)().name).toBe('anonymous');
    const object = {
      n: 7,
      get: background(function (this: { n: number }) {
        return this.n;
      } as () => number),
    };
    expect(await object.get()).toBe(7);
  });

  it('joins the application whose job calls it', async () => {
    class Reports {
      @Background()
      async build(): Promise<string> {
        return background(() => currentJob()!.id)();
      }
    }
    await using app = await startApp({ providers: [Reports] });
    const id = await app.get(Reports).build();
    expect(await app.service.find(id)).toMatchObject({ state: 'completed' });
  });
});

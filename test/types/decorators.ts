// Nothing here runs: `npm run types` checks that what must compile does, and that what must not does not.
import { Background, type BackgroundOptions } from '../../src/index.js';

export class Compiles {
  @Background()
  async plain(): Promise<void> {}

  @Background({ timeout: '10m', retries: { limit: 3, backoff: 'fixed' } })
  async withArguments(id: number, ...others: string[]): Promise<number> {
    return id + others.length;
  }

  @Background()
  notAsync(): Promise<string> {
    return Promise.resolve('');
  }

  @Background()
  async generic<T extends object>(value: T): Promise<T> {
    return value;
  }

  @Background()
  either(flag: boolean): Promise<number> | Promise<string> {
    return flag ? Promise.resolve(1) : Promise.resolve('');
  }

  @Background()
  async optional(id?: number, { deep = true }: { deep?: boolean } = {}): Promise<unknown> {
    return [id, deep];
  }

  @Background()
  static async ofTheClass(): Promise<void> {}

  @Background()
  protected async hidden(): Promise<void> {}

  @Background()
  private async own(): Promise<void> {}

  use(): Promise<unknown> {
    return this.own();
  }
}

export class DoesNotCompile {
  // @ts-expect-error A job is awaited: the method must return a promise.
  @Background()
  sync(): number {
    return 1;
  }

  // @ts-expect-error Not even where nothing is returned.
  @Background()
  nothing(): void {}

  // @ts-expect-error The result may be there at once.
  @Background()
  maybe(flag: boolean): number | Promise<number> {
    return flag ? 1 : Promise.resolve(1);
  }

  // @ts-expect-error Many values are no result.
  @Background()
  *generator(): Generator<number> {
    yield 1;
  }

  // @ts-expect-error Nor are many later ones.
  @Background()
  async *asyncGenerator(): AsyncGenerator<number> {
    yield 1;
  }

  // @ts-expect-error A getter is not called.
  @Background()
  get property(): Promise<number> {
    return Promise.resolve(1);
  }

  // @ts-expect-error A field is no method.
  @Background()
  field = async (): Promise<number> => 1;

  // @ts-expect-error Without its parentheses it would be no decorator.
  @Background
  async bare(): Promise<void> {}

  // @ts-expect-error There is no such option.
  @Background({ timout: '1s' })
  async misspelt(): Promise<void> {}

  // @ts-expect-error A duration is a number or a text.
  @Background({ timeout: true })
  async wrongValue(): Promise<void> {}
}

// @ts-expect-error A class is no job.
@Background()
export class Whole {}

export const options: BackgroundOptions = { name: 'a', timeout: 1_000, delay: '5m', priority: 3 };

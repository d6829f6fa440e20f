import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Background, ContextNotCarriedError, jobOf, type ContextCarrier } from '../../src/index.js';
import { Crew, QUEUES } from './crew.js';

const surroundings = new AsyncLocalStorage<unknown>();

@Injectable()
class Surrounded {
  @Background({ name: 'surrounded' })
  async look(): Promise<unknown> {
    await Promise.resolve();
    return surroundings.getStore() ?? 'nothing';
  }
}

const carrier: ContextCarrier = {
  capture: () => surroundings.getStore() as Record<string, unknown> | undefined,
  restore: (values, run) => surroundings.run(values, run),
};

describe('What surrounds a call', () => {
  let crew: Crew;

  beforeAll(async () => {
    crew = await Crew.gather(QUEUES[0]!);
  });

  afterEach(() => crew.rest());
  afterAll(() => crew[Symbol.asyncDispose]());

  /** Calls in one application what another one runs. */
  async function called(values: unknown, context?: ContextCarrier): Promise<unknown> {
    const front = await crew.front({ context }, { providers: [Surrounded] });
    await crew.front({ context }, { providers: [Surrounded], work: true });
    const jobs = front.get(Surrounded);
    return surroundings.run(values, () => jobOf(jobs.look()));
  }

  it('goes along to where it runs', async () => {
    expect(await called({ user: 'ann', trace: ['a', 1, null] }, carrier)).toEqual({
      ...{ user: 'ann', trace: ['a', 1, null] },
    });
  });

  it('does not where nothing carries it, or there is nothing', async () => {
    expect(await called({ user: 'ann' })).toBe('nothing');
  });

  it.each([
    ['is no plain JSON', { since: new Date(0) }, 'context.since is no plain JSON'],
    ['holds what JSON does not keep', { a: { b: undefined } }, 'context.a.b is no plain JSON'],
    ['is too large', { much: 'x'.repeat(20_000) }, 'may have 16384'],
  ])('refuses the call where it %s', async (_, values, message) => {
    const refused = called(values, carrier);
    await expect(refused).rejects.toBeInstanceOf(ContextNotCarriedError);
    await expect(refused).rejects.toThrow(message);
  });

  it('fails the job where it is not restored', async () => {
    const lost = called({ user: 'ann' }, { ...carrier, restore: () => undefined });
    await expect(lost).rejects.toThrow('restore() did not call run()');
  });
});

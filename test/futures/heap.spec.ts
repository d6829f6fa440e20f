import { afterEach, describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { background } from '../../src/index.js';
import { closeApps, startApp } from '../support/test-app.js';

afterEach(closeApps);

/** The full run: AWAITED_FUTURES=1000000. */
const FUTURES = Number(process.env.AWAITED_FUTURES ?? 20_000);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapInMiB(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

describe('Futures awaited in jobs', () => {
  it(`leave the heap as it was, ${FUTURES} of them`, async () => {
    const { service } = await startApp({ background: { retention: { count: 100 } } });
    const child = background(async () => Buffer.alloc(16));
    const awaitThousand = (): Promise<unknown> =>
      service.wait(
        service.perform(async () => {
          for (let count = 0; count < 1_000; count++) await child();
        }),
      );
    for (let count = 0; count < 5; count++) await awaitThousand();
    const before = heapInMiB();
    for (let count = 0; count < FUTURES / 1_000; count++) await awaitThousand();
    expect(heapInMiB() - before).toBeLessThan(3);
  }, 600_000);
});

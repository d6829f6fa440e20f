import { setTimeout } from 'node:timers/promises';
import { background, Timeout } from 'nestjs-background';

export const SECOND = Number(process.env.STEP ?? 1000);

/** Does something slow, like downloading a page. */
async function verySlowTask<T>(arg: T): Promise<T> {
  await setTimeout(5 * SECOND);
  return arg;
}

export async function withoutTimeouts(): Promise<void> {
  const x = background(verySlowTask<number>)(1);
  const y = background(verySlowTask<number>)(2);
  const z = background(verySlowTask<number>)(3);
  console.log(await z, await y, await x); // waits 5 seconds, then prints 3 2 1
}

export async function withTimeouts(): Promise<void> {
  const inTime = { onTimeout: 'value' } as const;
  const x = background(verySlowTask<string>, { timeout: SECOND, ...inTime })('foobar1');
  const y = background(verySlowTask<string>, { timeout: 6 * SECOND, ...inTime })('foobar2');
  console.log(((await x) as unknown) === Timeout, await y); // true foobar2
}

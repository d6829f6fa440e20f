// Nothing here runs: `npm run types` checks the types of what is called, and refuses what must not compile.
/* eslint-disable @typescript-eslint/no-unused-vars, @typescript-eslint/no-unused-expressions */
/* eslint-disable @typescript-eslint/no-floating-promises */
/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call */
import {
  background,
  BackgroundModule,
  jobOf,
  JobFuture,
  withProgress,
  type BackgroundService,
  type Job,
  type JobEvent,
} from '../../src/index.js';
import type { Observable } from 'rxjs';

/** Compiles only where the two types are the very same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <A, B>(same: Same<A, B>): boolean => same;

declare class Reports {
  readonly title: string;
  build(id: number): Promise<number>;
  count(names: readonly string[], deep?: boolean): number;
  private secret(): Promise<void>;
}
declare const reports: Reports;
declare const service: BackgroundService;

export async function futures(): Promise<void> {
  const future = jobOf(reports.build(7));
  is<typeof future, JobFuture<number>>(true);
  const promise: Promise<number> = future;
  is<Awaited<typeof promise>, number>(true);
  is<typeof future.accepted, Promise<void>>(true);
  is<ReturnType<typeof future.job>, Promise<Job>>(true);
  is<ReturnType<typeof future.cancel>, Promise<boolean>>(true);
  is<ReturnType<typeof future.follow>, Observable<JobEvent>>(true);
  future.then(String, (error: Error) => error.message);
  // @ts-expect-error Futures come from calls alone.
  new JobFuture(() => {});
  // @ts-expect-error A number is no promise.
  jobOf(7);
}

export async function functions(): Promise<void> {
  const add = background((a: number, b: number) => a + b, { timeout: '1s' });
  is<ReturnType<typeof add>, JobFuture<number>>(true);
  void add(1, 2);
  const later = background(async (text: string) => text.length);
  is<ReturnType<typeof later>, JobFuture<number>>(true);
  // @ts-expect-error The arguments are those of the function.
  add(1, '2');
  // @ts-expect-error There is no such option.
  background(() => 1, { timout: 1 });
  // @ts-expect-error Nothing is neither a function nor an instance.
  background(undefined);
  // @ts-expect-error A text is neither a function nor an instance.
  background('text');
}

export async function instances(): Promise<void> {
  const view = background(reports, { delay: '5m' });
  is<ReturnType<typeof view.build>, JobFuture<number>>(true);
  is<ReturnType<typeof view.count>, JobFuture<number>>(true);
  void view.count(['a']);
  void view.count(['a'], true);
  // @ts-expect-error The arguments are those of the method.
  view.build('7');
  // @ts-expect-error What is no method cannot run.
  view.title.length;
  // @ts-expect-error What is private stays so.
  view.secret();
}

export async function progress(): Promise<void> {
  for (const item of withProgress(['a'])) is<typeof item, string>(true);
  for (const item of withProgress(new Map([['a', 1]]))) is<typeof item, [string, number]>(true);
  async function* source(): AsyncGenerator<Date> {
    yield new Date();
  }
  for await (const item of withProgress(source(), { total: 3 })) is<typeof item, Date>(true);
  // @ts-expect-error An async source is walked through with `for await`.
  for (const item of withProgress(source())) void item;
  // @ts-expect-error A number has no items.
  withProgress(7);
  // @ts-expect-error There is no such option.
  withProgress([1], { totl: 1 });
}

export async function services(): Promise<void> {
  is<ReturnType<typeof service.getProgress>, Promise<[value: number, data: unknown] | null>>(true);
  const id = service.perform((a: number, b: string) => [a, b], 1, 'b');
  is<typeof id, string>(true);
  const result = await service.wait<number>(id);
  is<typeof result, number>(true);
  // @ts-expect-error The arguments are those of the function.
  service.perform((a: number) => a, 'a');
  // @ts-expect-error An argument is missing.
  service.perform((a: number) => a);
  // @ts-expect-error There is no such state.
  await service.list({ state: 'done' });
}

export function modules(): void {
  BackgroundModule.forRoot({ retention: { completed: '1h' }, output: { console: 'off' } });
  BackgroundModule.forRootAsync({ inject: [Reports], useFactory: (_of: Reports) => ({}) });
  // @ts-expect-error There is no such option.
  BackgroundModule.forRoot({ concurency: 1 });
  // @ts-expect-error There is no such way to use the console.
  BackgroundModule.forRoot({ output: { console: 'on' } });
  // @ts-expect-error What the factory gives must be options.
  BackgroundModule.forRootAsync({ useFactory: () => ({ concurrency: '1' }) });
}

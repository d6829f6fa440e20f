import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plainScripts, type Scripts } from '../support/plain-script.js';

let scripts: Scripts;
beforeAll(async () => {
  scripts = await plainScripts();
}, 30_000);
afterAll(async () => scripts[Symbol.asyncDispose]());

/** Each script is a process of its own; one that does not end by itself fails. */
const TIMEOUT = 30_000;

describe('A script without an application', () => {
  it(
    'starts jobs, has their ids and results, and ends by itself',
    async () => {
      const { code, stdout } = await scripts.run(`
        const add = lib.background(async (a, b) => (lib.print('adding'), a + b), { name: 'add' });
        const job = add(1, 2);
        console.log(job.id.length, await job, (await job.job()).state);
      `);
      expect([code, stdout]).toEqual([0, '36 3 completed\n']);
    },
    TIMEOUT,
  );

  it(
    'may leave a job alone: it runs to its end before the script is over',
    async () => {
      const { code, stdout } = await scripts.run(`
        lib.background(async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          console.log('done');
        })();
        console.log('script is through');
      `);
      expect([code, stdout]).toEqual([0, 'script is through\ndone\n']);
    },
    TIMEOUT,
  );

  it(
    'runs a delayed job, and one that is retried, before it is over',
    async () => {
      const { code, stdout } = await scripts.run(`
        let runs = 0;
        lib.background(() => console.log('delayed'), { delay: 20 })();
        const retried = lib.background(() => {
          if (++runs < 2) throw new Error('boom');
          return runs;
        }, { retries: { limit: 1, delay: 20 } })();
        console.log('runs:', await retried);
      `);
      expect(code).toBe(0);
      expect(stdout.split('\n').toSorted()).toEqual(['', 'delayed', 'runs: 2']);
    },
    TIMEOUT,
  );

  it(
    'sees a job time out, though nothing else is going on',
    async () => {
      const { code, stdout } = await scripts.run(`
        const hangs = lib.background(() => new Promise(() => {}), { timeout: 20 });
        await hangs().catch((error) => console.log(error instanceof lib.JobTimeoutError));
      `);
      expect([code, stdout]).toEqual([0, 'true\n']);
    },
    TIMEOUT,
  );

  it(
    'is not ended by a failure that nobody awaits, or that is awaited late',
    async () => {
      const { code, stdout, stderr } = await scripts.run(`
        const fails = lib.background(() => Promise.reject(new Error('boom')));
        const ids = [fails().id];
        lib.background(() => { throw undefined; })();
        const late = fails();
        await new Promise((resolve) => setTimeout(resolve, 20));
        await late.catch((error) => console.log('caught', error.message));
        console.log(ids[0]);
      `);
      expect(code).toBe(0);
      const [caught, id] = stdout.split('\n').filter((line) => !line.includes('[Nest]'));
      expect(caught).toBe('caught boom');
      const logged = (stdout + stderr).split('\n').filter((line) => /\[Nest\].*failed/.test(line));
      expect(logged).toHaveLength(3);
      expect(logged.filter((line) => line.includes(id!))).toHaveLength(1);
    },
    TIMEOUT,
  );

  it(
    'may use decorated methods of its own instances',
    async () => {
      const { code, stdout } = await scripts.run(`
        class Reports {
          async build(id) { return [this instanceof Reports, id, lib.currentJob().name]; }
        }
        const descriptor = Object.getOwnPropertyDescriptor(Reports.prototype, 'build');
        lib.Background({ timeout: '1h' })(Reports.prototype, 'build', descriptor);
        Object.defineProperty(Reports.prototype, 'build', descriptor);
        console.log(...(await new Reports().build(7)));
      `);
      expect([code, stdout]).toEqual([0, 'true 7 Reports.build\n']);
    },
    TIMEOUT,
  );

  it(
    'is not touched by the import alone',
    async () => {
      const { code, stdout } = await scripts.run(`
        const { log } = console;
        await import('./index.js');
        log(console.log === log, process.getActiveResourcesInfo().filter((type) => type === 'Timeout'));
      `);
      expect([code, stdout]).toEqual([0, 'true []\n']);
    },
    TIMEOUT,
  );
});

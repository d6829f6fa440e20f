import assert from 'node:assert/strict';
import type { JobTicket } from '../../engine/job-engine.js';
import { enqueueAll, ticket, until, type EngineCases } from './case.js';

/** How the places are shared. */
export const ROOM: EngineCases = {
  'delivers only so many of one key at once, and others meanwhile': async ({ open }) => {
    const { engine, host } = await open({ concurrency: 5 });
    const doorOf = host.blockEach();
    const limit = { key: 'one', jobs: 2 };
    const limited = Array.from({ length: 5 }, () => ticket({ name: 'limited', limit }));
    await enqueueAll(engine, [...limited, ticket({ name: 'other' })]);
    await until(() => host.delivered.some(({ name }) => name === 'other'));
    await until(() => host.running === 3);
    doorOf('other').open();
    await until(() => host.running === 2);
    host.most = host.running;
    doorOf('limited').open();
    await until(() => host.delivered.length === 6);
    assert.equal(host.most, 2);
  },

  'ends a chain of jobs that wait for each other, and is deeper than there are places': async ({
    open,
  }) => {
    const { engine, host } = await open({ concurrency: 2 });
    const ended = new Set<string>();
    host.answer = async (waiting) => {
      const depth = Number(waiting.name);
      if (depth > 0) await waitFor(waiting, String(depth - 1));
      ended.add(waiting.name);
      return {};
    };
    const waitFor = async (waiting: JobTicket, name: string): Promise<void> => {
      const child = ticket({ name });
      await engine.enqueue(child);
      const takeBack = engine.lend(waiting, child.id);
      await until(() => ended.has(name));
      takeBack();
    };
    await engine.enqueue(ticket({ name: '6' }));
    await until(() => ended.has('6'));
    assert.equal(host.delivered.length, 7);
  },

  'delivers a job that somebody waits for before those that came earlier': async ({ open }) => {
    const { engine, host } = await open();
    const door = host.block();
    const waiting = ticket();
    await engine.enqueue(waiting);
    await until(() => host.running === 1);
    const others = [ticket({ priority: 9 }), ticket()];
    const awaited = ticket();
    const takeBack = async (): Promise<void> => {
      const back = engine.lend(waiting, awaited.id);
      await until(() => host.delivered.length >= 2);
      back();
    };
    await enqueueAll(engine, [...others, awaited]);
    await takeBack();
    door.open();
    await until(() => host.delivered.length === 4);
    assert.equal(host.ids[1], awaited.id);
  },

  'lets no more of one key run after one of them has lent its place and taken it back': async ({
    open,
  }) => {
    const { engine, host } = await open({ concurrency: 5 });
    const doorOf = host.blockEach();
    const limit = { key: 'lent', jobs: 1 };
    const [first, second, third] = ['first', 'second', 'third'].map((name) =>
      ticket({ name, limit }),
    );
    await enqueueAll(engine, [first!, second!]);
    await until(() => host.running === 1);
    const takeBack = engine.lend(first!, second!.id);
    await until(() => host.running === 2);
    takeBack();
    await engine.enqueue(third!);
    doorOf('first').open();
    await until(() => host.running === 1);
    doorOf('second').open();
    doorOf('third').open();
    await until(() => host.delivered.length === 3);
    assert.equal(host.most, 2);
  },
};

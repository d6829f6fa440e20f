import assert from 'node:assert/strict';
import { QueueFullError } from '../../errors/job.errors.js';
import { enqueueAll, ticket, until, type EngineCases } from './case.js';

/** To whom, how often and in which order. */
export const DELIVERY: EngineCases = {
  'delivers each ticket once, as it came': async ({ open }) => {
    const { engine, host } = await open({ concurrency: 5 });
    const limit = { key: 'a key', jobs: 3 };
    const tickets = Array.from({ length: 40 }, (_, index) =>
      ticket({ name: `Job.${index}`, limit }),
    );
    await Promise.all(tickets.map(async (each) => engine.enqueue(each)));
    await until(() => host.delivered.length === tickets.length);
    assert.deepEqual(new Set(host.ids), new Set(tickets.map(({ id }) => id)));
    for (const { id, name } of tickets) {
      const delivered = host.delivered.find((each) => each.id === id);
      assert.equal(delivered?.name, name);
      assert.deepEqual(delivered?.limit, limit);
    }
  },

  'delivers no more at once than there is room for': async ({ open }) => {
    const { engine, host } = await open({ concurrency: 3 });
    const door = host.block();
    const tickets = Array.from({ length: 12 }, () => ticket());
    await enqueueAll(engine, tickets);
    await until(() => host.running === 3);
    door.open();
    await until(() => host.delivered.length === tickets.length);
    assert.equal(host.most, 3);
  },

  'delivers by priority, and within one in the order in which they came': async ({ open }) => {
    const { engine, host } = await open();
    const door = host.block();
    const first = ticket();
    await engine.enqueue(first);
    await until(() => host.running === 1);
    const waiting = [0, 0, 5, -5, 5, 0].map((priority) => ticket({ priority }));
    await enqueueAll(engine, waiting);
    door.open();
    await until(() => host.delivered.length === 7);
    const expected = [first, ...[2, 4, 0, 1, 5, 3].map((index) => waiting[index]!)];
    assert.deepEqual(
      host.ids,
      expected.map(({ id }) => id),
    );
  },

  'refuses what comes when the queue is full, unless it was accepted before': async ({ open }) => {
    const { engine, host } = await open({ concurrency: 1, queueLimit: 2 });
    const door = host.block();
    await engine.enqueue(ticket());
    await until(() => host.running === 1);
    await enqueueAll(engine, [ticket(), ticket()]);
    await assert.rejects(async () => engine.enqueue(ticket({ name: 'One.more' })), QueueFullError);
    await engine.enqueue(ticket({ isAccepted: true }));
    door.open();
    await until(() => host.delivered.length === 4);
  },
};

import assert from 'node:assert/strict';
import { ticket, until, type EngineCases } from './case.js';

/** When a ticket is delivered, and when no more. */
export const TIME: EngineCases = {
  'delivers nothing before its time': async ({ open }) => {
    const { engine, host } = await open();
    const runAt = Date.now() + 300;
    await engine.enqueue(ticket({ runAt }));
    await until(() => host.delivered.length === 1);
    assert.ok(Date.now() >= runAt);
  },

  'delivers again at the time that a delivery asks for': async ({ open }) => {
    const { engine, host } = await open();
    let runAt = 0;
    host.answer = () => {
      if (host.delivered.length > 2) return {};
      runAt = Date.now() + 200;
      return { again: { runAt } };
    };
    const { id } = ticket();
    await engine.enqueue(ticket({ id }));
    await until(() => host.delivered.length === 3);
    assert.ok(Date.now() >= runAt);
    assert.deepEqual(new Set(host.ids), new Set([id]));
  },

  'delivers nothing that was discarded, whether it was due or not': async ({ open }) => {
    const { engine, host } = await open();
    const door = host.block();
    await engine.enqueue(ticket());
    await until(() => host.running === 1);
    const discarded = [ticket(), ticket({ runAt: Date.now() + 100 })];
    const last = ticket({ runAt: Date.now() + 200 });
    for (const each of [...discarded, last]) await engine.enqueue(each);
    for (const { id } of discarded) await engine.discard(id);
    door.open();
    await until(() => host.delivered.length === 2);
    assert.equal(host.ids[1], last.id);
  },

  'delivers nothing once it is paused, while what runs goes on': async ({ open }) => {
    const { engine, host } = await open();
    const door = host.block();
    await engine.enqueue(ticket());
    await until(() => host.running === 1);
    await engine.enqueue(ticket());
    await engine.pause();
    door.open();
    await until(() => host.running === 0);
    await engine.close();
    assert.equal(host.delivered.length, 1);
  },
};

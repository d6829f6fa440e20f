import assert from 'node:assert/strict';
import { enqueueAll, isStandIn, ticket, until, type EngineCases } from './case.js';

/** What several processes have of one queue. */
export const SHARING: EngineCases = {
  'deliver each ticket in one of them': async ({ open }) => {
    const [one, other] = [await open({ concurrency: 2 }), await open({ concurrency: 2 })];
    const doors = [one, other].map(({ host }) => host.block());
    const tickets = Array.from({ length: 12 }, () => ticket());
    await enqueueAll(one.engine, tickets);
    await until(() => one.host.running + other.host.running === 4);
    doors.forEach((door) => door.open());
    const ids = (): string[] => [...one.host.ids, ...other.host.ids];
    await until(() => ids().length === tickets.length);
    assert.deepEqual(new Set(ids()), new Set(tickets.map(({ id }) => id)));
  },

  'take a ticket once, however often it is enqueued': async ({ open }) => {
    const { engine, host } = await open();
    const door = host.block();
    await engine.enqueue(ticket());
    await until(() => host.running === 1);
    const twice = ticket();
    await enqueueAll(engine, [twice, twice, { ...twice, isAgain: true }, ticket()]);
    door.open();
    await until(() => host.delivered.length === 3);
    assert.equal(host.ids.filter((id) => id === twice.id).length, 1);
  },

  'deliver again what is enqueued again while a delivery of it is being ended': async ({
    open,
  }) => {
    const [one, other] = [await open(), await open()];
    const doors = [one, other].map(({ host }) => host.block());
    const again = ticket();
    await one.engine.enqueue(again);
    await until(() => one.host.running + other.host.running === 1);
    await one.engine.enqueue({ ...again, isAgain: true });
    doors.forEach((door) => door.open());
    await until(() => one.host.delivered.length + other.host.delivered.length === 2);
  },

  'hand back at once what is due again when they close': async ({ open }) => {
    const one = await open();
    const door = one.host.block();
    one.host.answer = () => door.opened.then(() => ({ again: { runAt: Date.now() } }));
    const handed = ticket();
    await one.engine.enqueue(handed);
    await until(() => one.host.running === 1);
    const other = await open();
    await one.engine.pause();
    door.open();
    await one.engine.close();
    await until(() => other.host.delivered.length === 1);
    assert.equal(one.host.delivered.length, 1);
    assert.equal(other.host.ids[0], handed.id);
  },

  'keep what one of them does not know, until another comes that does': async ({ open }) => {
    const old = await open();
    old.host.answer = () => ({ unknown: true });
    const unknown = ticket({ name: 'Newer.job' });
    await old.engine.enqueue(unknown);
    await until(() => old.host.delivered.length > 0);
    const newer = await open();
    // Else the old one may get it again and again, which takes its time.
    await old.engine.pause();
    await until(() => newer.host.ids.includes(unknown.id));
  },

  'count the jobs of one key together': async ({ open }) => {
    const settings = { concurrency: 5 };
    const [one, other] = [await open(settings), await open(settings)];
    const doors = [one, other].map(({ host }) => host.block());
    const limit = { key: 'shared', jobs: 3 };
    const tickets = Array.from({ length: 9 }, () => ticket({ limit }));
    await enqueueAll(one.engine, [...tickets, ...Array.from({ length: 4 }, () => ticket())]);
    const delivered = (): number => one.host.delivered.length + other.host.delivered.length;
    await until(() => delivered() === 7);
    doors.forEach((door) => door.open());
    await until(() => delivered() === 13);
  },

  'refuse nothing that is the job of another with its key, though the queue is full': async ({
    open,
  }) => {
    const settings = { concurrency: 1, queueLimit: 1 };
    const [one, other] = [await open(settings), await open(settings)];
    const doors = [one, other].map(({ host }) => host.block());
    for (const running of [1, 2]) {
      await one.engine.enqueue(ticket());
      await until(() => one.host.running + other.host.running === running);
    }
    const first = ticket({ uniqueKey: 'the only one' });
    await one.engine.enqueue(first);
    const second = await other.engine.enqueue(ticket({ uniqueKey: 'the only one' }));
    assert.ok(isStandIn(second) && second.standIn === first.id);
    doors.forEach((door) => door.open());
    await until(() => [...one.host.ids, ...other.host.ids].includes(first.id));
  },

  'have one job of a unique key at a time, and say which': async ({ open }) => {
    const [one, other] = [await open(), await open()];
    const doors = [one, other].map(({ host }) => host.block());
    const uniqueKey = 'the only one';
    const first = ticket({ uniqueKey });
    assert.ok(!isStandIn(await one.engine.enqueue(first)));
    await until(() => one.host.running + other.host.running === 1);
    const second = await other.engine.enqueue(ticket({ uniqueKey }));
    assert.ok(isStandIn(second) && second.standIn === first.id);
    doors.forEach((door) => door.open());
    await until(() => one.host.running + other.host.running === 0);
    const third = ticket({ uniqueKey });
    await untilTaken(() => other.engine.enqueue(third));
    await until(() => [...one.host.ids, ...other.host.ids].includes(third.id));
  },
};

/** The end of a job is known to its process a little before the others know of it. */
async function untilTaken(enqueue: () => unknown): Promise<void> {
  let taken: unknown = 'nothing yet';
  const deadline = Date.now() + 15_000;
  while (taken !== undefined) {
    taken = await enqueue();
    assert.ok(Date.now() < deadline, 'The key was never free again.');
  }
}

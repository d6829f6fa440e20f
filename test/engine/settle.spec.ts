import { describe, expect, it } from '@jest/globals';
import type { Job, Queue } from 'bullmq';
import { settle, type Settling } from '../../src/engine/bullmq/settle.js';

const NEXT = [{ name: 'next' }, 'its id'];

/** A queue that answers to the end of a job with these in turn: an error is thrown. */
function settling(answers: unknown[], fetchesNext = true): Settling & { asked: boolean[] } {
  const asked: boolean[] = [];
  const backend = {
    moveToCompleted: (_job: Job, _value: string, _remove: boolean, _token: string, next: boolean) =>
      new Promise((resolve) => {
        asked.push(next);
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        resolve({ result: answer });
      }),
  };
  return {
    asked,
    queue: { getBackend: () => backend } as unknown as Queue,
    fetchesNext: () => fetchesNext,
    wake: () => Promise.resolve(),
    isOver: () => false,
    again: () => Promise.resolve(),
  };
}

const held = {
  job: { id: 'a' } as Job,
  token: 'token',
  ticket: { id: 'a', name: 'a', priority: 0, runAt: undefined, limit: undefined },
  counts: false,
};

describe('The end of a job that BullMQ is told', () => {
  it('brings the next job where there is room for it', async () => {
    const queue = settling([NEXT]);
    expect(await settle(queue, held, { kind: 'done' })).toEqual(NEXT);
    expect(queue.asked).toEqual([true]);
  });

  it('brings none where there is no room, and none where none waits', async () => {
    const full = settling([undefined], false);
    expect(await settle(full, held, { kind: 'done' })).toBeUndefined();
    expect(full.asked).toEqual([false]);
    expect(await settle(settling([[null, '', 0, 0]]), held, { kind: 'done' })).toBeUndefined();
  });

  it('brings none when it is told once more, since the first time may have done so', async () => {
    const queue = settling([new Error('the answer was lost'), undefined]);
    await settle(queue, held, { kind: 'done' });
    expect(queue.asked).toEqual([true, false]);
  });
});

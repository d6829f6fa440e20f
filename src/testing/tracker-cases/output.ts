import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { assertEqual, chunk, created, ODD_TEXTS, running, type TrackerCases } from './case.js';

/** What becomes of output. */
export const OUTPUT: TrackerCases = {
  'comes in order, whole or after a number': async (tracker) => {
    const { id } = await running(tracker);
    const chunks = ODD_TEXTS.map((text, index) => chunk(index + 1, text, index % 2 === 1));
    for (const one of chunks) await tracker.append(id, { chunks: [one], gap: undefined }, 1);
    const { length } = chunks;
    assertEqual(await tracker.output(id, 0), { chunks, gap: undefined, last: length });
    const rest = { chunks: chunks.slice(3), gap: undefined, last: length };
    assertEqual(await tracker.output(id, 3), rest);
    const nothing = { chunks: [], gap: undefined, last: length + 5 };
    assertEqual(await tracker.output(id, length + 5), nothing);
  },

  'is nothing for a job that printed nothing': async (tracker) => {
    const { id } = await created(tracker);
    assertEqual(await tracker.output(id, 0), { chunks: [], gap: undefined, last: 0 });
  },

  'is complete once the record is final': async (tracker) => {
    const { id } = await running(tracker);
    for (let seq = 1; seq <= 2_000; seq++) {
      void tracker.append(id, { chunks: [chunk(seq, `line ${seq}\n`)], gap: undefined }, 1);
    }
    await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
    const page = await tracker.output(id, 0);
    assert.equal(page?.chunks.length, 2_000);
    assert.equal(page?.last, 2_000);
  },

  'goes on through the attempts of a job': async (tracker) => {
    const { id } = await created(tracker);
    await tracker.append(id, { chunks: [chunk(1, 'head\n')], gap: undefined });
    await tracker.change(id, { type: 'start', at: 1 });
    await tracker.append(id, { chunks: [chunk(2, 'first\n')], gap: undefined }, 1);
    await tracker.change(id, { type: 'release', at: 2 }, 1);
    await tracker.change(id, { type: 'start', at: 3 });
    await tracker.append(id, { chunks: [chunk(3, 'late\n')], gap: undefined }, 1);
    await tracker.append(id, { chunks: [chunk(3, 'second\n')], gap: undefined }, 2);
    const texts = (await tracker.output(id, 0))?.chunks.map(({ text }) => text);
    assertEqual(texts, ['head\n', 'first\n', 'second\n']);
  },

  'loses what the size limit removed, and says how much that was': async (tracker) => {
    const { id } = await running(tracker);
    for (let seq = 1; seq <= 30; seq++) {
      const gap = seq > 10 ? { first: 4, last: seq - 5, bytes: 10 * seq } : undefined;
      void tracker.append(id, { chunks: [chunk(seq, `${seq}`)], gap }, 1);
      if (seq % 7 === 0) await wait(1);
    }
    const gap = { first: 4, last: 25, bytes: 300 };
    const seqs = async (after: number): Promise<unknown> => {
      const page = await tracker.output(id, after);
      return { seqs: page?.chunks.map(({ seq }) => seq), gap: page?.gap, last: page?.last };
    };
    const whole = { seqs: [1, 2, 3, 26, 27, 28, 29, 30], gap, last: 30 };
    assertEqual(await seqs(0), whole);
    await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
    assertEqual(await seqs(0), whole);
    assertEqual(await seqs(27), { seqs: [28, 29, 30], gap: undefined, last: 30 });
  },
};

/** The value in the middle: one slow round, because something else ran on the machine, does not count. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * Measures several sides in turn, A B A B and so on, so that whatever else the machine does falls on all of them.
 * One round before the first warms the code up.
 * @param {number} rounds
 * @param {(() => number | Promise<number>)[]} sides Each does its work once and gives its figure.
 * @returns {Promise<number[]>} The median of each side.
 */
export async function alternate(rounds, ...sides) {
  const figures = sides.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [place, side] of sides.entries()) {
      globalThis.gc();
      const figure = await side();
      if (round > 0) figures[place].push(figure);
    }
  }
  return figures.map(median);
}

/** How long the work takes, in µs. */
export async function microseconds(work) {
  const before = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - before) / 1000;
}

/** A measurement of a side: how many jobs it does in a second, from the call until all are over. */
export function perSecond(side, count) {
  return async () => (count * 1e6) / (await microseconds(() => side.run(count)));
}

/** Calls so often, one batch after the other, each batch awaited as a whole; gives µs for one call. */
export async function perCall({ batches, size }, call) {
  const spent = await microseconds(async () => {
    for (let batch = 0; batch < batches; batch++) {
      await Promise.all(Array.from({ length: size }, call));
    }
  });
  return spent / (batches * size);
}

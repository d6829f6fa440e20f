/**
 * A row where the peer sets the measure: it holds where ours/theirs keeps to the target.
 * @param {{ what: string, against: string, ours: number, theirs: number, atLeast?: number, atMost?: number }} figures
 */
export function ratioRow({ what, against, ours, theirs, atLeast, atMost }) {
  const ratio = ours / theirs;
  const holds = atLeast === undefined ? ratio <= atMost : ratio >= atLeast;
  const target = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return { ...rounded({ what, against, ours, theirs, ratio }), target, holds };
}

/** A row with a target of its own: the ratio is there to be read. */
export function targetRow({ what, against, ours, theirs, target, holds }) {
  const ratio = ours === theirs ? 1 : ours / theirs;
  return { ...rounded({ what, against, ours, theirs, ratio }), target, holds };
}

/** Four digits: more would claim what no run repeats. */
function rounded({ what, against, ...figures }) {
  const entries = Object.entries(figures).map(([name, value]) => [name, +value.toPrecision(4)]);
  return { what, against, ...Object.fromEntries(entries) };
}

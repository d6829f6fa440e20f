import { describe, expect, it } from '@jest/globals';
import { JobDeadlockError } from '../../src/index.js';
import { WaitNode } from '../../src/future/wait-graph.js';

/** The full run: WAIT_GRAPHS=100000. */
const GRAPHS = Number(process.env.WAIT_GRAPHS ?? 500);

/** Numbers that look random and are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Graph {
  readonly nodes: WaitNode[];
  /** In which order they stand: waits go from earlier to later ones only, so that there is no circle. */
  readonly waits: [from: number, to: number][];
}

function acyclicGraph(random: () => number): Graph {
  const size = 2 + Math.floor(random() * 30);
  const nodes = Array.from({ length: size }, (_, index) => new WaitNode(`id ${index}`, `${index}`));
  const waits: [number, number][] = [];
  for (let count = Math.floor(random() * size * 3); count > 0; count--) {
    const [a, b] = [Math.floor(random() * size), Math.floor(random() * size)];
    if (a !== b) waits.push(a < b ? [a, b] : [b, a]);
  }
  return { nodes, waits };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

describe('The wait graph', () => {
  it(`finds no circle in ${GRAPHS} random graphs that have none, jobs that end included`, () => {
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const random = randomFrom(seed);
      const { nodes, waits } = acyclicGraph(random);
      for (const [from, to] of shuffled(waits, random)) {
        if (random() < 0.1) nodes[to]!.end();
        expect(nodes[from]!.waitFor(nodes[to]!)).toBeUndefined();
      }
    }
  });

  it(`finds every circle that is planted in ${GRAPHS} random graphs, and names its jobs in order`, () => {
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const random = randomFrom(seed);
      const { nodes, waits } = acyclicGraph(random);
      const length = 1 + Math.floor(random() * nodes.length);
      const circle = shuffled(nodes, random)
        .slice(0, length)
        .sort((a, b) => Number(a.name) - Number(b.name));
      const edges = new Set<string>();
      const wait = (from: WaitNode, to: WaitNode): JobDeadlockError | undefined => {
        edges.add(`${from.name}>${to.name}`);
        return from.waitFor(to);
      };
      for (const [from, to] of waits) expect(wait(nodes[from]!, nodes[to]!)).toBeUndefined();
      circle.slice(1).forEach((node, index) => expect(wait(circle[index]!, node)).toBeUndefined());
      const found = wait(circle.at(-1)!, circle[0]!);
      expect(found).toBeInstanceOf(JobDeadlockError);
      const { cycle } = found!;
      expect(cycle[0]).toBe(circle.at(-1)!.name);
      // The graph may hold a shorter way round than the planted one; each step must be a wait all the same.
      cycle.forEach((name, index) =>
        expect(edges).toContain(`${name}>${cycle[(index + 1) % cycle.length]}`),
      );
    }
  });

  it('names a circle of a thousand jobs', () => {
    const nodes = Array.from({ length: 1_000 }, (_, index) => new WaitNode(`${index}`, `${index}`));
    nodes.slice(1).forEach((node, index) => nodes[index]!.waitFor(node));
    const { cycle } = nodes.at(-1)!.waitFor(nodes[0]!)!;
    expect(cycle).toEqual(['999', ...nodes.slice(0, -1).map(({ name }) => name)]);
  });

  it('forgets the waits of a job that is over, and the waits for it', () => {
    const [a, b] = [new WaitNode('a', 'a'), new WaitNode('b', 'b')];
    a.waitFor(b);
    b.end();
    expect(b.waitFor(a)).toBeUndefined();
    b.stopWaiting();
    expect(a.waitFor(b)).toBeUndefined();
  });

  it('lends a slot with the first of several waits, and takes it back when the last is over', () => {
    const [waiter, a, b] = ['waiter', 'a', 'b'].map((name) => new WaitNode(name, name)) as [
      WaitNode,
      WaitNode,
      WaitNode,
    ];
    const slots: string[] = [];
    const lend = (awaited: WaitNode) => {
      slots.push(`lent for ${awaited.name}`);
      return () => slots.push('back');
    };
    waiter.waitFor(a, lend);
    waiter.waitFor(b, lend);
    a.end();
    expect(slots).toEqual(['lent for a']);
    b.end();
    expect(slots).toEqual(['lent for a', 'back']);
  });
});

import { JobDeadlockError } from '../errors/deadlock.error.js';

/** Gives up a slot for as long as a job waits; the function that it returns takes it back. */
export type LendSlot = (awaited: WaitNode) => () => void;

/** Is told for which job a job waits now, if for any. */
export type NoteWait = (awaited: WaitNode | undefined) => void;

/**
 * A job in the graph of who waits for whom. Made when the job first waits or is waited for: one that does
 * neither costs nothing. The graph is the nodes; there is no list of them to keep.
 */
export class WaitNode {
  readonly #waitsFor = new Set<WaitNode>();
  readonly #waitedForBy = new Set<WaitNode>();
  /** The ids of jobs of which something is to be recorded before this one goes on. */
  readonly #awaitedRecords: string[] = [];
  #takeBack: (() => void) | undefined;
  #note: NoteWait | undefined;

  constructor(
    readonly id: string,
    readonly name: string,
  ) {}

  /** Whether this job waits for another. */
  get isWaiting(): boolean {
    return this.#waitsFor.size > 0;
  }

  /** Whether another job waits for this one. */
  get isAwaited(): boolean {
    return this.#waitedForBy.size > 0;
  }

  /**
   * This job begins to wait for another, and lends its slot with its first wait. Returns the error where that would
   * close a circle: then nothing is noted.
   */
  waitFor(awaited: WaitNode, lend?: LendSlot, note?: NoteWait): JobDeadlockError | undefined {
    const path = awaited.#pathTo((node) => node === this);
    if (path) return new JobDeadlockError([this, ...path.slice(0, -1)]);
    if (!this.isWaiting) this.#stop(awaited, lend, note);
    this.#waitsFor.add(awaited);
    awaited.#waitedForBy.add(this);
    return undefined;
  }

  /** The jobs of a circle, this one first, where it waits for something that the other has, and that one waits for it. */
  circleOver(other: WaitNode): readonly WaitNode[] | undefined {
    const path = other.#pathTo((node) => node === this);
    return path && [this, ...path.slice(0, -1)];
  }

  /** The job does not go on before something is recorded of another; the function that it gives ends that. */
  waitForRecordOf(id: string): () => void {
    this.#awaitedRecords.push(id);
    return () => void this.#awaitedRecords.splice(this.#awaitedRecords.indexOf(id), 1);
  }

  /** The jobs from this one to one with such an id, or to one that waits for its record, over others or not. */
  pathToOneOf(ids: readonly string[]): readonly WaitNode[] | undefined {
    return this.#pathTo(
      (node) =>
        (node !== this && ids.includes(node.id)) ||
        node.#awaitedRecords.some((id) => ids.includes(id)),
    );
  }

  /** One that this job waits for, over others or not. */
  findAwaited(isMeant: (node: WaitNode) => boolean): WaitNode | undefined {
    return this.#pathTo((node) => node !== this && isMeant(node))?.at(-1);
  }

  /** The job goes on for good, or its attempt is over: it waits for nobody any more. */
  stopWaiting(): void {
    for (const awaited of this.#waitsFor) awaited.#waitedForBy.delete(this);
    this.#waitsFor.clear();
    this.#goOn();
  }

  /** The job is over: nobody waits for it any more. */
  end(): void {
    for (const waiter of this.#waitedForBy) waiter.#gotOver(this);
    this.#waitedForBy.clear();
    this.stopWaiting();
  }

  #stop(awaited: WaitNode, lend?: LendSlot, note?: NoteWait): void {
    this.#takeBack = lend?.(awaited);
    this.#note = note;
    note?.(awaited);
  }

  // With Promise.all and Promise.race a job waits for several at once, and nothing tells the two apart: it has its
  // slot back when the last of them is over. Were it to hold the slot after the first, `all` could starve the others.
  #gotOver(awaited: WaitNode): void {
    this.#waitsFor.delete(awaited);
    const [next] = this.#waitsFor;
    if (next) this.#note?.(next);
    else this.#goOn();
  }

  #goOn(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
    this.#note?.(undefined);
    this.#note = undefined;
  }

  /** The jobs from this one to the goal, each waiting for the next; searched without recursion. */
  #pathTo(isGoal: (node: WaitNode) => boolean): WaitNode[] | undefined {
    if (isGoal(this)) return [this];
    if (this.#waitsFor.size === 0) return undefined;
    const cameFrom = new Map<WaitNode, WaitNode | undefined>([[this, undefined]]);
    // A map is walked in the order of insertion, additions during the walk included: a queue that knows its past.
    for (const node of cameFrom.keys()) {
      for (const next of node.#waitsFor) {
        if (isGoal(next)) return [...pathBackFrom(node, cameFrom), next];
        if (!cameFrom.has(next)) cameFrom.set(next, node);
      }
    }
    return undefined;
  }
}

function pathBackFrom(
  last: WaitNode,
  cameFrom: ReadonlyMap<WaitNode, WaitNode | undefined>,
): WaitNode[] {
  const path: WaitNode[] = [];
  for (let node: WaitNode | undefined = last; node; node = cameFrom.get(node)) path.push(node);
  return path.reverse();
}

import { isFinal } from '../../job/state-machine.js';
import type { Move, Place } from './job-place.js';

type Values = (string | number)[];

/** What several jobs mean for the indexes: each is written to once for all of them. */
export class IndexChanges {
  readonly #removed = new Map<string, Values>();
  readonly #added = new Map<string, Values>();
  readonly #places: Values = [];
  /** The other indexes that are kept on. */
  readonly #touched = new Set(['jobs', 'places', 'owners']);

  constructor(
    /** How long the indexes stay that nobody touches any more, in ms. */
    private readonly ttl: number,
  ) {}

  add({ id, before, after, end }: Move): void {
    const [, state, name, parent, owner] = after;
    if (before) this.#touch(name, parent);
    else this.#list(id, after);
    this.#move('state:', id, before?.[1] ?? '', state);
    this.#move('owned:', id, before?.[4] ?? '', owner);
    if (before && isFinal(before[1])) note(this.#removed, endedAs(before[1]), id);
    if (end !== undefined) note(this.#added, endedAs(state), id, end);
  }

  /** As commands for the program in Redis: name, index, how many values, and these. */
  appendTo(list: Values): void {
    for (const [index, ids] of this.#removed) append(list, 'ZREM', index, ids);
    for (const [index, scores] of this.#added) append(list, 'ZADD', index, scores);
    if (this.#places.length > 0) append(list, 'HSET', 'places', this.#places);
    for (const index of this.#added.keys()) this.#touched.add(index);
    for (const index of this.#touched) list.push('PEXPIRE', index, 1, this.ttl);
  }

  /** What of it does not change is written once. */
  #list(id: string, place: Place): void {
    const [, , name, parent] = place;
    this.#places.push(id, JSON.stringify(place));
    note(this.#added, 'jobs', id, 0);
    note(this.#added, `name:${name}`, id, 0);
    if (parent !== '') note(this.#added, `parent:${parent}`, id, 0);
  }

  #touch(name: string, parent: string): void {
    this.#touched.add(`name:${name}`);
    if (parent !== '') this.#touched.add(`parent:${parent}`);
  }

  #move(prefix: string, id: string, from: string, to: string): void {
    if (from === to) {
      if (to !== '') this.#touched.add(prefix + to);
      return;
    }
    if (from !== '') note(this.#removed, prefix + from, id);
    if (to !== '') note(this.#added, prefix + to, id, 0);
  }
}

function endedAs(state: string): string {
  return state === 'completed' ? 'ended:completed' : 'ended:failed';
}

function note(lists: Map<string, Values>, index: string, id: string, score?: number): void {
  let list = lists.get(index);
  if (!list) lists.set(index, (list = []));
  if (score !== undefined) list.push(score);
  list.push(id);
}

function append(list: Values, command: string, index: string, values: Values): void {
  list.push(command, index, values.length);
  for (const value of values) list.push(value);
}

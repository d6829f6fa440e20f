import { isFinal } from '../../job/state-machine.js';
import type { Place } from './job-index.js';

type Values = (string | number)[];

/** A job that is created or changed, as the indexes know it. */
export interface Move {
  readonly id: string;
  /** `undefined` of a job that is created. */
  readonly before: Place | undefined;
  readonly after: Place;
  /** When it ended, if it is over; in ms since 1970. */
  readonly end: number | undefined;
}

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
    if (end !== undefined) note(this.#added, endedAs(state), end, id);
  }

  /** As commands for the program in Redis: [name, index, how many values, values]. */
  commands(): Values {
    const all: Values = [];
    for (const [index, ids] of this.#removed) append(all, 'ZREM', index, ids);
    for (const [index, scores] of this.#added) append(all, 'ZADD', index, scores);
    if (this.#places.length > 0) append(all, 'HSET', 'places', this.#places);
    const kept = new Set([...this.#touched, ...this.#added.keys()]);
    for (const index of kept) all.push('PEXPIRE', index, 1, this.ttl);
    return all;
  }

  /** What of it does not change is written once. */
  #list(id: string, place: Place): void {
    const [, , name, parent] = place;
    this.#places.push(id, JSON.stringify(place));
    note(this.#added, 'jobs', 0, id);
    note(this.#added, `name:${name}`, 0, id);
    if (parent !== '') note(this.#added, `parent:${parent}`, 0, id);
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
    if (to !== '') note(this.#added, prefix + to, 0, id);
  }
}

function endedAs(state: string): string {
  return state === 'completed' ? 'ended:completed' : 'ended:failed';
}

function note(lists: Map<string, Values>, index: string, ...values: Values): void {
  const list = lists.get(index);
  if (list) list.push(...values);
  else lists.set(index, values);
}

function append(all: Values, command: string, index: string, values: Values): void {
  all.push(command, index, values.length, ...values);
}

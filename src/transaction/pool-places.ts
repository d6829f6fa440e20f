import { clearTimeout, setTimeout } from 'node:timers';
import type { WaitNode } from '../future/wait-graph.js';
import type { ConnectionOwner } from './connection-opener.js';
import type { DataSourceLike } from './typeorm-shape.js';

/** Between two looks whether all who hold connections have come to wait for other jobs, in ms. */
const LOOK_AGAIN = 50;

/** What a pool goes by; how many connections it opens at most can be changed while it is in use. */
type PoolOptions = Record<string, unknown>;

/** The pools of `pg` and of `mysql2` in TypeORM's drivers. */
interface PooledDriver {
  readonly master?: { readonly options?: PoolOptions };
  readonly pool?: { readonly config?: PoolOptions };
}

const known = new WeakMap<PoolOptions, PoolPlaces>();

type Owner = Pick<ConnectionOwner, 'node' | 'lend'>;

/**
 * Which jobs hold connections of a pool, and which wait for one. As a job that waits for another lends its slot, there is
 * a connection for the other: where all who hold one wait for jobs, one of these is let in beside them, and in the place of
 * a job that waits for a connection one of these runs. The pool always has one more than jobs hold, for what trackers and
 * requests ask. Else they would wait for each other for ever.
 */
export class PoolPlaces {
  readonly #size: number;
  readonly #held = new Set<PoolPlace>();
  readonly #waiting = new Set<PoolPlace>();
  /** Jobs that run, or are to run next, in the places of those that wait for a connection. */
  readonly #helped = new WeakSet<WaitNode>();
  #looking: NodeJS.Timeout | undefined;

  private constructor(
    private readonly options: PoolOptions,
    private readonly limit: string,
  ) {
    this.#size = Number(options[limit]);
  }

  /** Those of the DataSource's pool; `undefined` where it has no limit, or none that can be told. */
  static of({ driver }: DataSourceLike): PoolPlaces | undefined {
    const { master, pool } = driver as PooledDriver;
    return (
      PoolPlaces.#in(master?.options, 'max') ?? PoolPlaces.#in(pool?.config, 'connectionLimit')
    );
  }

  static #in(options: PoolOptions | undefined, limit: string): PoolPlaces | undefined {
    if (!options?.[limit]) return undefined;
    let places = known.get(options);
    if (!places) known.set(options, (places = new PoolPlaces(options, limit)));
    return places;
  }

  /** Whether somebody waits for a place. */
  get isContended(): boolean {
    return this.#waiting.size > 0;
  }

  /** Gives a place, or one that comes. */
  take(owner: Owner): PoolPlace {
    const place = new PoolPlace(this, owner);
    this.#waiting.add(place);
    this.#giveNext();
    return place;
  }

  /** The place is no longer held, or waited for. */
  leave(place: PoolPlace): void {
    this.#waiting.delete(place);
    if (!this.#held.delete(place)) return;
    this.#fit();
    this.#giveNext();
  }

  #giveNext(): void {
    while (this.#waiting.size > 0) {
      const next = this.#next();
      if (!next) return this.#help();
      this.#waiting.delete(next);
      this.#held.add(next);
      this.#fit();
      next.give();
    }
    clearTimeout(this.#looking);
    this.#looking = undefined;
  }

  /** One that another job waits for goes first: the other may hold a connection meanwhile. */
  #next(): PoolPlace | undefined {
    const isFree = this.#held.size < this.#size;
    if (!isFree && !this.#isStuck) return undefined;
    const [first] = this.#waiting;
    if (isFree && this.#waiting.size === 1) return first;
    return [...this.#waiting].find((place) => place.isAwaited) ?? (isFree ? first : undefined);
  }

  /** Whether all who hold a connection wait for jobs. */
  get #isStuck(): boolean {
    return [...this.#held].every((place) => place.node?.isWaiting);
  }

  /** What is waited for may be in line behind those that wait for a connection, whose slots it can have. */
  #help(): void {
    this.#lookAgain();
    if (!this.#isStuck) return;
    for (const place of this.#waiting) {
      const awaited = place.hasLent ? undefined : this.#awaitedOne();
      if (awaited) place.lend(awaited);
    }
  }

  /** One of the jobs on which it depends whether the holders go on. */
  #awaitedOne(): WaitNode | undefined {
    for (const { node } of this.#held) {
      const found = node?.findAwaited((one) => !one.isWaiting && !this.#helped.has(one));
      if (!found) continue;
      this.#helped.add(found);
      return found;
    }
    return undefined;
  }

  #lookAgain(): void {
    this.#looking ??= setTimeout(() => {
      this.#looking = undefined;
      this.#giveNext();
    }, LOOK_AGAIN).unref();
  }

  #fit(): void {
    const most = Math.max(this.#size, this.#held.size + 1);
    if (this.options[this.limit] !== most) this.options[this.limit] = most;
  }
}

/** A job's connection out of a pool, which it has or waits for. */
export class PoolPlace {
  #isGiven = false;
  #given: (() => void) | undefined;
  #takeBack: (() => void) | undefined;

  constructor(
    private readonly places: PoolPlaces,
    private owner: Owner,
  ) {}

  /** Fulfilled when it is there; `undefined` where it is by now. */
  get coming(): Promise<void> | undefined {
    return this.#isGiven ? undefined : new Promise((resolve) => (this.#given = resolve));
  }

  /** The job among those that wait for each other. */
  get node(): WaitNode | undefined {
    return this.owner.node?.();
  }

  get isAwaited(): boolean {
    return this.node?.isAwaited ?? false;
  }

  get hasLent(): boolean {
    return this.#takeBack !== undefined;
  }

  /** Has a job run in the place of this one until it has its connection. */
  lend(awaited: WaitNode): void {
    this.#takeBack = this.owner.lend?.(awaited);
  }

  give(): void {
    this.#isGiven = true;
    this.#goOn();
    this.#given?.();
  }

  /** Another job goes on on the connection. */
  passTo(owner: Owner): PoolPlace {
    this.owner = owner;
    return this;
  }

  leave(): void {
    this.#goOn();
    this.places.leave(this);
  }

  #goOn(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
  }
}

import { clearTimeout, setTimeout } from 'node:timers';
import type { QueryRunnerLike } from './data-source-like.js';
import type { Database } from './job-store.js';

/** One channel for both kinds of messages: that somebody watches a job, and that a watched job has news. */
const CHANNEL = 'nestjs_background';
const WATCHED = 'watched ';
const NEWS = 'news ';

/** How long it is believed that a job is watched elsewhere, and how often it is said; in ms. */
const BELIEVED = 60_000;
const SAID_AGAIN = 20_000;
/** How long what is to be said gathers, in ms, and of how many jobs it is said at once. */
const GATHERED = 100;
const MOST_SAID = 1_000;
/** How many ids one message names: PostgreSQL takes 8,000 bytes. */
const IDS_IN_MESSAGE = 200;
/** How soon a connection that was lost is replaced; in ms. */
const PAUSE = 1_000;

/** The driver's connection, of which no more is used than this. */
interface Listener {
  on(event: 'notification', hear: (message: { payload?: string }) => void): unknown;
  on(event: 'end' | 'error', lost: () => void): unknown;
}

/** Runs SQL: on a connection of the tracker's, or within a transaction. */
export type Tell = (sql: string, parameters: unknown[]) => Promise<unknown>;

/**
 * LISTEN and NOTIFY of PostgreSQL. A NOTIFY makes commits wait for each other, so nobody is told of jobs that nobody
 * watches: who watches one says so, and those who run jobs remember it for a minute.
 */
export class PostgresPush {
  readonly #watchedElsewhere = new Map<string, number>();
  #runner: QueryRunnerLike | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #toSay = new Set<string>();
  #sayTimer: NodeJS.Timeout | undefined;
  #saidAt = 0;
  #closed = false;

  constructor(
    private readonly db: Database,
    /** Something of the job has changed. */
    private readonly wake: (id: string) => void,
  ) {}

  /** Listens from now on; without a connection, as soon as there is one. */
  async open(): Promise<void> {
    try {
      const { runner, client } = await this.db.connections.hold<Listener>();
      this.#runner = runner;
      client.on('notification', ({ payload = '' }) => this.#hear(payload));
      client.on('error', () => this.#lost());
      client.on('end', () => this.#lost());
      await runner.query(`LISTEN ${CHANNEL}`);
    } catch {
      this.#lost();
    }
  }

  /** A job is watched here. Said a little later, with others: a process watches its own jobs, most of which end soon. */
  watches(id: string): void {
    this.#toSay.add(id);
    this.#sayTimer ??= setTimeout(() => {
      this.#sayTimer = undefined;
      this.#say([...this.#toSay]);
      this.#toSay.clear();
    }, GATHERED).unref();
  }

  /** It is no longer watched here. */
  leaves(id: string): void {
    this.#toSay.delete(id);
  }

  /** These are still watched. Said again and again, by who looks at them anyway. */
  watchesStill(ids: readonly string[]): void {
    const now = performance.now();
    if (now - this.#saidAt < SAID_AGAIN) return;
    this.#saidAt = now;
    this.#say(ids);
  }

  /** Whether another process may want to hear of it. */
  isAwaited(id: string): boolean {
    return this.#watchedElsewhere.has(id);
  }

  /** A job has changed. Within a transaction, those who watch it hear of it when that is committed. */
  async changed(id: string, tell?: Tell): Promise<void> {
    const until = this.#watchedElsewhere.get(id);
    if (until === undefined) return;
    if (until < performance.now()) this.#watchedElsewhere.delete(id);
    else await this.#notify([NEWS + id], tell);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#sayTimer);
    await this.#release();
  }

  /** What one cannot say of so many is found when somebody looks. */
  #say(ids: readonly string[]): void {
    if (this.#closed || ids.length === 0) return;
    const said = lotsOf(ids.slice(0, MOST_SAID), IDS_IN_MESSAGE);
    const own = `${WATCHED}${this.db.owner} `;
    void this.#notify(said.map((lot) => own + lot.join(' '))).catch(() => undefined);
  }

  #hear(payload: string): void {
    if (payload.startsWith(NEWS)) return this.wake(payload.slice(NEWS.length));
    const [owner, ...ids] = payload.slice(WATCHED.length).split(' ');
    if (!payload.startsWith(WATCHED) || owner === this.db.owner) return;
    this.#forgetUnwatched();
    const until = performance.now() + BELIEVED;
    for (const id of ids) {
      this.#watchedElsewhere.delete(id);
      this.#watchedElsewhere.set(id, until);
    }
  }

  /** The oldest come first: one that is said again goes to the end. */
  #forgetUnwatched(): void {
    const now = performance.now();
    for (const [id, until] of this.#watchedElsewhere) {
      if (until > now) return;
      this.#watchedElsewhere.delete(id);
    }
  }

  async #notify(payloads: readonly string[], tell: Tell = this.db.connections.run): Promise<void> {
    const values = payloads.map(() => '(?)').join(', ');
    const sql = `SELECT pg_notify('${CHANNEL}', message) FROM (VALUES ${values}) AS said (message)`;
    await tell(sql, [...payloads]);
  }

  #lost(): void {
    if (this.#closed || this.#timer) return;
    void this.#release();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.open();
    }, PAUSE);
    this.#timer.unref();
  }

  async #release(): Promise<void> {
    const runner = this.#runner;
    this.#runner = undefined;
    // Back in the pool it would go on listening, to nobody.
    await runner?.query(`UNLISTEN ${CHANNEL}`).catch(() => undefined);
    await runner?.release().catch(() => undefined);
  }
}

function lotsOf(ids: readonly string[], size: number): string[][] {
  const lots = Array.from({ length: Math.ceil(ids.length / size) }, (_, lot) => lot * size);
  return lots.map((from) => ids.slice(from, from + size));
}

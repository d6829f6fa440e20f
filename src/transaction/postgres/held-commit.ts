import type { DataSourceLike } from '../typeorm-shape.js';
import { queryOf } from './begin-with-first.js';
import { noteIfForgotten } from './kept-sessions.js';
import { commitPrepared, type Preparable } from './prepared-commit.js';
import type { PgClient, Submittable } from './wire.js';

const HELD = Symbol('nestjs-background:held-commits');

/** On a DataSource: those that have not gone out yet, and that no other job has joined. */
type Holding = DataSourceLike & { [HELD]?: Set<HeldCommit<unknown>> };

/**
 * A COMMIT that goes out at the end of the turn. Where jobs are short another one begins in the same turn, and takes this
 * connection: its BEGIN and its first statement go out with the COMMIT, in one packet, so that such jobs take one round trip
 * each.
 */
export class HeldCommit<Connection> {
  /** Settled when it is known what came of it. */
  readonly done: Promise<void>;
  readonly #query: PgClient['query'];
  #isOver = false;
  #settle!: (error?: Error) => void;
  #follower: Submittable | undefined;
  #isSent = false;

  /** @param connection Whose it is, for who joins. */
  constructor(
    private readonly dataSource: Holding,
    private connection: Connection | undefined,
    readonly client: PgClient,
    private readonly last: Preparable,
  ) {
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    // Who joins may put something in front of it, for statements of its own.
    this.#query = queryOf(client);
    (dataSource[HELD] ??= new Set()).add(this);
    process.nextTick(() => this.send());
  }

  /** One that nobody has joined. */
  static join<Connection>({ [HELD]: held }: Holding): HeldCommit<Connection> | undefined {
    for (const commit of held ?? []) {
      held!.delete(commit);
      return commit as HeldCommit<Connection>;
    }
    return undefined;
  }

  /** Fulfilled when the connection is there for who has joined; `undefined` where it is by now. */
  get leaving(): Promise<unknown> | undefined {
    return this.#isOver ? undefined : this.done.catch(() => undefined);
  }

  /** The connection, once: a job that comes much later must not keep all those before it. */
  take(): Connection {
    const { connection } = this;
    this.connection = undefined;
    return connection!;
  }

  /** Has a query go out with it, or after it where it is on its way. */
  follow(query: Submittable): void {
    if (this.#isSent) return void this.#followLater(query);
    this.#follower = query;
    this.send();
  }

  /** By itself, what has failed leaves a transaction that takes no statement. */
  async #followLater(query: Submittable): Promise<void> {
    await this.done.catch(() => this.#query('ROLLBACK')).catch(() => undefined);
    this.#query(query);
  }

  send(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    this.dataSource[HELD]?.delete(this);
    commitPrepared(this.#query, this.last, this.#ended, this.#follower);
  }

  readonly #ended = (error?: Error): void => {
    this.#isOver = true;
    noteIfForgotten(this.dataSource, error);
    this.#settle(error);
  };
}

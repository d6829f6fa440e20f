import { KeptStatements } from './kept-statements.js';
import { EXECUTE_AND_COMMIT, EXECUTE_SYNC_AND_COMMIT } from './messages.js';
import type { PgClient, Submittable, Wire } from './wire.js';

/** A statement and the values for it, always as many. */
export interface Preparable {
  readonly sql: string;
  readonly values: readonly unknown[];
}

type Callback = (error?: Error) => void;

/**
 * Runs a statement that is kept prepared, and COMMIT, in one round trip. To parse and plan the statement takes longer than
 * all the rest.
 * @param query That of a client.
 * @param follower A query that goes out with them: whatever becomes of them, it finds no transaction open.
 */
export function commitPrepared(
  query: PgClient['query'],
  { sql, values }: Preparable,
  done: Callback,
  follower?: Submittable,
): void {
  if (!follower) return void query(new MarkAndCommit(sql, values, done));
  const submitFollower = follower.submit.bind(follower);
  follower.submit = sent;
  const marked = (failure?: Error): void => {
    const committed = new SentCommit((error) => {
      query(follower);
      done(failure ?? error);
    });
    query(committed);
  };
  query(new MarkBefore(sql, values, submitFollower, marked));
}

/** What `pg` calls of a query. */
abstract class Part implements Submittable {
  /** In the word of `pg`, which puts its own in the place where there is a limit of time. */
  constructor(readonly callback: Callback) {}

  abstract submit(wire: Wire): void;

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  handleCommandComplete(): void {}

  handleRowDescription(): void {}

  handleDataRow(): void {}
}

/** As one series of the extended protocol, of which PostgreSQL skips the rest where one fails. */
class MarkAndCommit extends Part {
  #kept: KeptStatements | undefined;

  constructor(
    private readonly sql: string,
    private readonly values: readonly unknown[],
    callback: Callback,
  ) {
    super(callback);
  }

  submit(wire: Wire): void {
    wire.stream.cork?.();
    this.#kept = KeptStatements.on(wire);
    wire.bind({ statement: this.#kept.prepare(this.sql), values: this.values.map(textOf) });
    this.execute(wire);
    wire.stream.uncork?.();
  }

  override handleError(error: Error): void {
    this.#kept?.doubt(this.sql);
    super.handleError(error);
  }

  protected execute(wire: Wire): void {
    wire.stream.write(EXECUTE_AND_COMMIT);
  }
}

/**
 * As a series of its own. Where it fails, the COMMIT after it is what ends the transaction: PostgreSQL rolls back. Each part
 * has the next one wait for its answer when its own has come, since `pg` holds that nobody should ask before.
 */
class MarkBefore extends MarkAndCommit {
  constructor(
    sql: string,
    values: readonly unknown[],
    private readonly submitFollower: (wire: Wire) => unknown,
    callback: Callback,
  ) {
    super(sql, values, callback);
  }

  protected override execute(wire: Wire): void {
    wire.stream.write(EXECUTE_SYNC_AND_COMMIT);
    this.submitFollower(wire);
  }
}

/** What went out with the mark before it, and is only answered. */
class SentCommit extends Part {
  submit(): void {}
}

/** It went out with what was before it. */
function sent(): null {
  return null;
}

function textOf(value: unknown): string | null {
  return value === null ? null : `${value as string | number}`;
}

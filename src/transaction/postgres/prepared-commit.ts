import { swallowed } from '../mistakes.js';
import { KeptStatements } from './kept-statements.js';
import { COMMIT, EXECUTE_AND_COMMIT, EXECUTE_SYNC_AND_COMMIT } from './messages.js';
import type { PgClient, Submittable, Wire } from './wire.js';

/** A statement and the values for it, always as many. */
export interface Preparable {
  readonly sql: string;
  readonly values: readonly unknown[];
}

type Callback = (error?: Error) => void;

/** Runs COMMIT. @param query That of a client. */
export function commitAlone(query: PgClient['query'], done: Callback): void {
  query(new Commit(done));
}

/**
 * Runs a statement that is kept prepared, and COMMIT, in one round trip. To parse and plan the statement takes longer than
 * all the rest.
 * @param query That of a client.
 * @param follower A query that goes out with them: whatever becomes of them, it finds no transaction open.
 */
export function commitPrepared(
  query: PgClient['query'],
  last: Preparable,
  done: Callback,
  follower?: Submittable,
): void {
  if (!follower) return void query(new MarkAndCommit(last, done));
  const submitFollower = early(follower);
  const marked = (failure?: Error): void => {
    const committed = new SentCommit((error) => {
      query(follower);
      done(failure ?? error);
    });
    query(committed);
  };
  query(new MarkBefore(last, submitFollower, marked));
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

/** By itself. */
class Commit extends Part {
  #isUndone = false;

  submit(wire: Wire): void {
    wire.stream.write(COMMIT);
  }

  /** To a transaction that it has given up, PostgreSQL answers with the name of what it does instead. */
  override handleCommandComplete(message?: { readonly text?: string }): void {
    this.#isUndone = message?.text === 'ROLLBACK';
  }

  override handleReadyForQuery(): void {
    this.callback(this.#isUndone ? swallowed(undefined) : undefined);
  }
}

/** As one series of the extended protocol, of which PostgreSQL skips the rest where one fails. */
class MarkAndCommit extends Part {
  #kept: KeptStatements | undefined;

  constructor(
    private readonly last: Preparable,
    callback: Callback,
  ) {
    super(callback);
  }

  submit(wire: Wire): void {
    const { sql, values } = this.last;
    wire.stream.cork?.();
    this.#kept = KeptStatements.on(wire);
    wire.bind({ statement: this.#kept.prepare(sql), values: values.map(textOf) });
    this.execute(wire);
    wire.stream.uncork?.();
  }

  override handleError(error: Error): void {
    this.#kept?.doubt(this.last.sql);
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
    last: Preparable,
    private readonly submitFollower: (wire: Wire) => unknown,
    callback: Callback,
  ) {
    super(last, callback);
  }

  protected override execute(wire: Wire): void {
    wire.stream.write(EXECUTE_SYNC_AND_COMMIT);
    this.submitFollower(wire);
  }
}

/** What went out with the mark before it, and is only answered; where that has failed, by a rollback. */
class SentCommit extends Part {
  submit(): void {}
}

/**
 * Has a query go out before `pg` knows of it, and gives the way. Should it fail on the way, that is told when `pg` has
 * come to it: whoever hears of it asks the next thing, which must not come before its answer.
 */
function early(query: Submittable): (wire: Wire) => void {
  const submit = query.submit.bind(query);
  query.submit = sent;
  return (wire) => {
    const handleError = query.handleError?.bind(query);
    let failure: { readonly error: unknown } | undefined;
    query.handleError = (error) => void (failure = { error });
    submit(wire);
    query.handleError = handleError;
    if (failure) query.handleReadyForQuery = (again) => handleError?.(failure!.error, again);
  };
}

/** It went out with what was before it. */
function sent(): null {
  return null;
}

function textOf(value: unknown): string | null {
  return value === null ? null : `${value as string | number}`;
}

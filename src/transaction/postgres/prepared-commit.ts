/** How long a plan is used, in ms: one that was made while a table was empty reads all of it when it is full. */
const PLAN_LIFE = 2_000;
const NAME = 'nestjs-background';
const PLANNED = Symbol('nestjs-background:planned');

/** "invalid_sql_statement_name". */
const FORGOTTEN = '26000';

/** The connection of `pg`, as far as a query writes to it. */
export interface Wire {
  readonly stream: { cork?(): void; uncork?(): void };
  parse(statement: { name?: string; text: string }): void;
  bind(portal: { statement?: string; values?: readonly unknown[] }): void;
  execute(portal: object): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
  /** What is prepared on it, and until when its plan is used. */
  [PLANNED]?: { readonly sql: string; readonly until: number };
}

/** What `pg` takes for a query: its own, its cursors and streams, and what is like them. */
export interface Submittable {
  submit(wire: Wire): unknown;
}

/** The client of `pg`. */
export interface PgClient {
  readonly connection: Wire;
  query(submitted: Submittable | string): unknown;
}

/** A statement and the values for it, always as many. */
export interface Preparable {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/**
 * Runs a statement that is kept prepared, and COMMIT, in one round trip. To parse and plan the statement takes longer than
 * all the rest.
 * @param query That of a client.
 * @param follower A query that goes out with them: whatever becomes of them, it finds no transaction open.
 */
export function commitPrepared(
  query: PgClient['query'],
  { sql, values }: Preparable,
  follower?: Submittable,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => (error ? reject(error) : resolve());
    if (!follower) return void query(new MarkAndCommit(sql, values, done));
    const submitFollower = follower.submit.bind(follower);
    follower.submit = sent;
    query(
      new MarkBefore(sql, values, submitFollower, new SentCommit(done, query, follower), query),
    );
  });
}

/** Whether a client is one of `pg`, which answers one query after the other, and knows what is like a query. */
export function isPgClient(client: object): client is PgClient {
  const { connection, pipeline } = client as Partial<PgClient> & { pipeline?: boolean };
  return typeof connection?.parse === 'function' && !pipeline;
}

/** Whether the session no longer knows what was prepared in it: something between has reset it, or put another in its place. */
export function isForgotten(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === FORGOTTEN;
}

/** What `pg` calls of a query. */
abstract class Part implements Submittable {
  abstract submit(wire: Wire): void;
  abstract handleError(error: Error): void;
  abstract handleReadyForQuery(): void;

  handleCommandComplete(): void {}

  handleRowDescription(): void {}

  handleDataRow(): void {}
}

/** As one series of the extended protocol, of which PostgreSQL skips the rest where one fails. */
class MarkAndCommit extends Part {
  constructor(
    private readonly sql: string,
    private readonly values: readonly unknown[],
    readonly callback: (error?: Error) => void,
  ) {
    super();
  }

  submit(wire: Wire): void {
    wire.stream.cork?.();
    this.mark(wire);
    this.afterMark(wire);
    wire.stream.uncork?.();
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  protected afterMark(wire: Wire): void {
    commit(wire);
  }

  private mark(wire: Wire): void {
    prepare(wire, this.sql);
    wire.bind({ statement: NAME, values: this.values.map(textOf) });
    wire.execute({});
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
    rest: SentCommit,
    query: PgClient['query'],
  ) {
    super(sql, values, (error) => {
      rest.failure = error;
      query(rest);
    });
  }

  protected override afterMark(wire: Wire): void {
    wire.sync();
    commit(wire);
    this.submitFollower(wire);
  }
}

class SentCommit extends Part {
  /** What the mark failed with. */
  failure: Error | undefined;

  constructor(
    private readonly done: (error?: Error) => void,
    private readonly query: PgClient['query'],
    private readonly follower: Submittable,
  ) {
    super();
  }

  submit(): void {}

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  readonly callback = (error?: Error): void => {
    this.query(this.follower);
    this.done(this.failure ?? error);
  };
}

/** It went out with what was before it. */
function sent(): null {
  return null;
}

function commit(wire: Wire): void {
  wire.parse({ text: 'COMMIT' });
  wire.bind({});
  wire.execute({});
  wire.sync();
}

function prepare(wire: Wire, sql: string): void {
  const now = performance.now();
  const planned = wire[PLANNED];
  if (planned?.sql === sql && planned.until > now) return;
  if (planned) wire.close({ type: 'S', name: NAME });
  wire.parse({ name: NAME, text: sql });
  wire[PLANNED] = { sql, until: now + PLAN_LIFE };
}

function textOf(value: unknown): string | null {
  return value === null ? null : `${value as string | number}`;
}

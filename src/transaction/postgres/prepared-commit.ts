/** How long a plan is used, in ms: one that was made while a table was empty reads all of it when it is full. */
const PLAN_LIFE = 2_000;
const NAME = 'nestjs-background';
const PLANNED = Symbol('nestjs-background:planned');

/** "invalid_sql_statement_name". */
const FORGOTTEN = '26000';

/** The connection of `pg`, as far as a query writes to it. */
interface Wire {
  readonly stream: { cork?(): void; uncork?(): void };
  parse(statement: { name?: string; text: string }): void;
  bind(portal: { statement?: string; values?: readonly unknown[] }): void;
  execute(portal: object): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
  /** What is prepared on it, and until when its plan is used. */
  [PLANNED]?: { readonly sql: string; readonly until: number };
}

interface Client {
  readonly connection?: Partial<Wire>;
  query(submitted: object): unknown;
}

/**
 * Runs a statement that is kept prepared, and COMMIT, in one round trip: as one series of the extended protocol, of which
 * PostgreSQL skips the rest where one fails. To parse and plan the statement takes longer than all the rest.
 * @returns `undefined` with other clients.
 */
export function commitPrepared(
  client: object,
  sql: string,
  values: readonly unknown[],
): Promise<void> | undefined {
  if (!isOfPg(client)) return undefined;
  return new Promise((resolve, reject) => {
    client.query(new PreparedCommit(sql, values, (error) => (error ? reject(error) : resolve())));
  });
}

/** Whether the session no longer knows what was prepared in it: something between has reset it, or put another in its place. */
export function isForgotten(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === FORGOTTEN;
}

function isOfPg(client: object): client is Client {
  const { connection } = client as Partial<Client>;
  return typeof connection?.parse === 'function' && typeof connection.bind === 'function';
}

/** What `pg` calls of whatever is given to `client.query`, as its cursors and streams are. */
class PreparedCommit {
  constructor(
    private readonly sql: string,
    private readonly values: readonly unknown[],
    readonly callback: (error?: unknown) => void,
  ) {}

  submit(wire: Wire): void {
    wire.stream.cork?.();
    this.#prepare(wire);
    wire.bind({ statement: NAME, values: this.values.map(textOf) });
    wire.execute({});
    wire.parse({ text: 'COMMIT' });
    wire.bind({});
    wire.execute({});
    wire.sync();
    wire.stream.uncork?.();
  }

  handleError(error: unknown): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  handleCommandComplete(): void {}

  handleRowDescription(): void {}

  handleDataRow(): void {}

  #prepare(wire: Wire): void {
    const now = performance.now();
    const planned = wire[PLANNED];
    if (planned?.sql === this.sql && planned.until > now) return;
    if (planned) wire.close({ type: 'S', name: NAME });
    wire.parse({ name: NAME, text: this.sql });
    wire[PLANNED] = { sql: this.sql, until: now + PLAN_LIFE };
  }
}

function textOf(value: unknown): string | null {
  return value === null ? null : String(value);
}

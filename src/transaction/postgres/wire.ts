/** What is used of `pg`, by shape. */

/** The connection, as far as a query writes to it. */
export interface Wire {
  readonly stream: { cork?(): void; uncork?(): void; write(bytes: Uint8Array): unknown };
  parse(statement: { name?: string; text: string }): void;
  bind(portal: { statement?: string; values?: readonly unknown[] }): void;
  execute(portal: object): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
}

/** What `pg` takes for a query: its own, its cursors and streams, and what is like them. */
export interface Submittable {
  submit(wire: Wire): unknown;
  handleError?(error: unknown, wire: Wire): void;
  handleReadyForQuery?(wire: Wire): void;
}

export interface PgClient {
  readonly connection: Wire;
  /** Whether all is answered that was asked. */
  readonly readyForQuery?: boolean;
  readonly connectionParameters?: { readonly query_timeout?: number | false };
  /** That of the database for its session, as its client was told. */
  readonly processID?: number;
  query(submitted: Submittable | string): unknown;
}

export interface PgResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number | null;
}

export type Callback = (error: unknown, result: PgResult) => void;

/** Its query, which hands itself in. */
export interface Query extends Submittable {
  readonly text: string;
  name: string | undefined;
  prepare(wire: Wire): void;
  requiresPreparation(): boolean;
  hasBeenParsed(wire: Wire): unknown;
  handleCommandComplete(message: unknown, wire: Wire): void;
}

export type QueryClass = new (text: string, values: unknown, callback: Callback) => Query;

/** Whether a client is one of `pg`, which answers one query after the other, and knows what is like a query. */
export function isPgClient(client: object): client is PgClient {
  const { connection, pipeline } = client as Partial<PgClient> & { pipeline?: boolean };
  return typeof connection?.parse === 'function' && !pipeline;
}

/**
 * Whether what is asked next is answered next, so that a query may go out before its turn. With a limit of time `pg` takes
 * what has waited too long for something that was not sent.
 */
export function keepsOrder({ readyForQuery, connectionParameters }: PgClient): boolean {
  return readyForQuery !== false && !connectionParameters?.query_timeout;
}

/** What a client is at. To ask for it by its old name is deprecated where there is the new one. */
interface Active {
  readonly _activeQuery?: object | null;
  readonly activeQuery?: object | null;
}

/** Whether a cursor or a stream is open on a client: it takes no query before that is closed. */
export function isStreaming(client: object): boolean {
  const known = client as Active;
  const active = '_activeQuery' in known ? known._activeQuery : known.activeQuery;
  return active !== null && active !== undefined && ('read' in active || 'write' in active);
}

/** The class of the queries of a client that is written in JavaScript. */
export function queryClassOf(client: object): QueryClass | undefined {
  const { Query } = client.constructor as { Query?: QueryClass };
  const shape = Query?.prototype as Partial<Query> | undefined;
  const isKnown =
    typeof shape?.prepare === 'function' &&
    typeof shape.requiresPreparation === 'function' &&
    typeof shape.hasBeenParsed === 'function' &&
    typeof shape.handleCommandComplete === 'function';
  return isKnown ? Query : undefined;
}

/** What a query does where nothing of it was replaced. */
export function kindOf(query: Query): Query {
  return Object.getPrototypeOf(query) as Query;
}

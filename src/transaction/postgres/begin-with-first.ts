const BEGIN = 'START TRANSACTION';
const NOTHING = { rows: [], rowCount: 0, command: 'START' };

type Callback = (error: unknown, result: unknown) => void;

/** The connection of `pg`, as far as a query writes to it. */
interface Wire {
  parse(statement: { text: string }): void;
  bind(portal: object): void;
  execute(portal: object): void;
}

/** The query of `pg`, which hands itself in. */
interface Query {
  prepare(wire: Wire): void;
  requiresPreparation(): boolean;
  handleCommandComplete(message: unknown, wire: Wire): void;
}

type QueryClass = new (text: string, values: unknown, callback: Callback) => Query;

interface Client {
  query(...asked: unknown[]): unknown;
}

/**
 * Has the BEGIN that comes next go out with the statement after it, in one round trip: as one series of the extended
 * protocol, of which PostgreSQL skips the rest where one fails. So the statement never runs outside of the transaction.
 * @returns Forgets it, where no statement has come; `undefined` with other clients.
 */
export function holdBegin(client: object): (() => void) | undefined {
  const kind = queryClassOf(client);
  return kind && shadowQuery(client as Client, kind);
}

function shadowQuery(client: Client, kind: QueryClass): () => void {
  const shadow = (...asked: unknown[]): unknown => {
    const [text, values] = asked;
    if (text === BEGIN) return Promise.resolve(NOTHING);
    forget();
    if (typeof text === 'string') return promised(client, kind, text, values);
    void (client.query(BEGIN) as Promise<unknown>).catch(() => undefined);
    return client.query(...asked);
  };
  const forget = (): void => {
    if (client.query === shadow) delete (client as Partial<Client>).query;
  };
  client.query = shadow;
  return forget;
}

function promised(
  client: Client,
  kind: QueryClass,
  text: string,
  values: unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle: Callback = (error, result) => (error ? reject(error) : resolve(result));
    client.query(beginning(new kind(text, values, settle)));
  });
}

/** The class of the JavaScript client; other clients begin with a round trip of their own. */
function queryClassOf(client: object): QueryClass | undefined {
  const { Query } = client.constructor as { Query?: QueryClass };
  const shape = Query?.prototype as Partial<Query> | undefined;
  const isKnown =
    typeof shape?.prepare === 'function' &&
    typeof shape.requiresPreparation === 'function' &&
    typeof shape.handleCommandComplete === 'function';
  return isKnown ? Query : undefined;
}

/** Replaced on the one query: a class of its own would have to be made for each copy of `pg`. */
function beginning(query: Query): Query {
  query.requiresPreparation = always;
  query.prepare = prepareAfterBegin;
  query.handleCommandComplete = ignoreBegin;
  return query;
}

function always(): boolean {
  return true;
}

function prepareAfterBegin(this: Query, wire: Wire): void {
  wire.parse({ text: BEGIN });
  wire.bind({});
  wire.execute({});
  kindOf(this).prepare.call(this, wire);
}

/** Once; what completes next is the statement. */
function ignoreBegin(this: Query): void {
  this.handleCommandComplete = kindOf(this).handleCommandComplete;
}

function kindOf(query: Query): Query {
  return Object.getPrototypeOf(query) as Query;
}

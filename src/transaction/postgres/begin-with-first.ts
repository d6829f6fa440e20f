import type { Submittable, Wire } from './prepared-commit.js';

const BEGIN = 'START TRANSACTION';
const NOTHING = { rows: [], rowCount: 0, command: 'START' };

type Callback = (error: unknown, result: unknown) => void;

/** The query of `pg`, which hands itself in. */
interface Query extends Submittable {
  prepare(wire: Wire): void;
  requiresPreparation(): boolean;
  handleCommandComplete(message: unknown, wire: Wire): void;
}

type QueryClass = new (text: string, values: unknown, callback: Callback) => Query;

interface Client {
  query(...asked: unknown[]): unknown;
}

/** A BEGIN that has not gone out yet. */
export interface HeldBegin {
  /** Whether no statement has come until now. */
  readonly isPending: boolean;
  /** Forgets it, where none will. */
  forget(): void;
}

/** What the BEGIN is to go out after. */
export interface Before {
  /** Has a query go out with it, or after it. */
  follow(query: Submittable): void;
  /** Has it go out, if it has not. */
  send(): void;
}

/**
 * Has the BEGIN that comes next go out with the statement after it, in one round trip: as one series of the extended
 * protocol, of which PostgreSQL skips the rest where one fails. So the statement never runs outside of the transaction.
 * @returns `undefined` with other clients.
 */
export function holdBegin(client: object, before?: Before): HeldBegin | undefined {
  const kind = queryClassOf(client);
  return kind && shadowQuery(client as Client, kind, before);
}

function shadowQuery(client: Client, kind: QueryClass, before: Before | undefined): HeldBegin {
  const shadow = (...asked: unknown[]): unknown => {
    const [text, values] = asked;
    if (text === BEGIN) return Promise.resolve(NOTHING);
    forget();
    if (typeof text === 'string') {
      const send = (query: Query): unknown => (before ? before.follow(query) : client.query(query));
      return promised(send, kind, text, values);
    }
    before?.send();
    void (client.query(BEGIN) as Promise<unknown>).catch(() => undefined);
    return client.query(...asked);
  };
  const forget = (): void => {
    if (client.query === shadow) delete (client as Partial<Client>).query;
  };
  client.query = shadow;
  return {
    forget,
    get isPending() {
      return client.query === shadow;
    },
  };
}

function promised(
  send: (query: Query) => unknown,
  kind: QueryClass,
  text: string,
  values: unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle: Callback = (error, result) => (error ? reject(error) : resolve(result));
    send(beginning(new kind(text, values, settle)));
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

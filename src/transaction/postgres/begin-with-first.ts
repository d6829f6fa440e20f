import { always, isForgotten, isStale, KeptStatements, prepareKept } from './kept-statements.js';
import { BEGIN } from './messages.js';
import {
  kindOf,
  queryClassOf,
  type Callback,
  type PgClient,
  type Query,
  type QueryClass,
  type Submittable,
  type Wire,
} from './wire.js';

const BEGIN_SQL = 'START TRANSACTION';
const NOTHING = { rows: [], rowCount: 0, command: 'START' };
/** What has no plan that could be outdated, and is not so long that to keep it would take much memory. */
const KEEPABLE = /^INSERT INTO [^]{0,1000}$/;

/** Only the simple protocol takes several statements in one text. */
const SEVERAL = /;\s*\S/;

const HELD = Symbol('nestjs-background:held-begin');

type Asked = [asked: unknown, values?: unknown, callback?: unknown];
type Client = PgClient & { query(...asked: Asked): unknown; [HELD]?: HeldBegin };

/** What the BEGIN is to go out after. */
export interface Before {
  /** Has a query go out with it, or after it. */
  follow(query: Submittable): void;
  /** Has it go out, if it has not. */
  send(): void;
}

/** How a BEGIN is to go out. */
export interface Beginning {
  readonly before?: Before | undefined;
  /** Given where statements can be kept prepared; called where a session turns out to have forgotten one. */
  readonly forgotten?: (() => void) | undefined;
}

/**
 * Has the BEGIN that comes next go out with the statement after it, in one round trip: as one series of the extended
 * protocol, of which PostgreSQL skips the rest where one fails. So the statement never runs outside of the transaction.
 * @returns `undefined` with other clients.
 */
export function holdBegin(client: object, beginning: Beginning = {}): HeldBegin | undefined {
  const kind = queryClassOf(client);
  if (!kind) return undefined;
  const known = client as Client;
  const held = (known[HELD] ??= new HeldBegin(known, kind));
  held.hold(beginning);
  return held;
}

/** The way past a BEGIN that is held. */
export function queryOf(client: PgClient): PgClient['query'] {
  return (client as Client)[HELD]?.query ?? client.query.bind(client);
}

/** Stands in for the method of one client, once for all: to take it away again would make every access slower. */
export class HeldBegin {
  /** That of the client. */
  readonly query: (...asked: Asked) => unknown;
  #beginning: Beginning | undefined;

  constructor(
    private readonly client: Client,
    private readonly kind: QueryClass,
  ) {
    const query = client.query.bind(client);
    this.query = query;
    client.query = (...asked) =>
      this.#beginning ? this.#first(this.#beginning, asked) : query(...asked);
  }

  /** Whether no statement has come until now. */
  get isPending(): boolean {
    return this.#beginning !== undefined;
  }

  hold(beginning: Beginning): void {
    this.#beginning = beginning;
  }

  /** Forgets it, where none will come. */
  forget(): void {
    this.#beginning = undefined;
  }

  #first(beginning: Beginning, asked: Asked): unknown {
    const [text, values] = asked;
    if (text === BEGIN_SQL) return Promise.resolve(NOTHING);
    this.forget();
    if (isPlain(asked)) return this.#begin(beginning, text as string, values);
    beginning.before?.send();
    void (this.query(BEGIN_SQL) as Promise<unknown>).catch(() => undefined);
    return this.query(...asked);
  }

  #begin(beginning: Beginning, text: string, values: unknown): Promise<unknown> {
    const { before, forgotten } = beginning;
    return new Promise((resolve, reject) => {
      const settle: Callback = (error, result) => (error ? reject(error) : resolve(result));
      const query =
        forgotten && this.#isKeepable(text, values)
          ? this.#kept(forgotten, text, values, settle)
          : asFirst(new this.kind(text, values, settle));
      if (before) before.follow(query);
      else this.query(query);
    });
  }

  #isKeepable(text: string, values: unknown): boolean {
    const hasValues = Array.isArray(values) && values.length > 0;
    return hasValues && KEEPABLE.test(text) && this.#statements.comesAgain(text);
  }

  #kept(forgotten: () => void, text: string, values: unknown, settle: Callback): Query {
    const query = new this.kind(text, values, (error, result) => {
      if (!error) return settle(error, result);
      this.#statements.doubt(text);
      if (!isStale(error)) return settle(error, result);
      if (isForgotten(error)) forgotten();
      void this.#beginAgain(new this.kind(text, values, settle));
    });
    return asFirst(query, prepareKept);
  }

  get #statements(): KeptStatements {
    return KeptStatements.on(this.client.connection);
  }

  /** Nothing was done yet, so nobody need hear of it. */
  async #beginAgain(query: Query): Promise<void> {
    await (this.query('ROLLBACK') as Promise<unknown>).catch(() => undefined);
    this.query(asFirst(query));
  }
}

/** One statement and its values, of which a promise is to tell: so TypeORM asks. */
function isPlain(asked: Asked): boolean {
  const [text, values = []] = asked;
  if (typeof text !== 'string' || !Array.isArray(values)) return false;
  if (values.length === 0 && SEVERAL.test(text)) return false;
  return !asked.some((one) => typeof one === 'function');
}

/** Replaced on the one query: a class of its own would have to be made for each copy of `pg`. */
function asFirst(query: Query, prepare = preparePlain): Query {
  query.requiresPreparation = always;
  query.prepare = (wire) => {
    wire.stream.write(BEGIN);
    prepare(query, wire);
  };
  query.handleCommandComplete = ignoreBegin;
  return query;
}

function preparePlain(query: Query, wire: Wire): void {
  kindOf(query).prepare.call(query, wire);
}

/** Once; what completes next is the statement. */
function ignoreBegin(this: Query): void {
  this.handleCommandComplete = kindOf(this).handleCommandComplete;
}

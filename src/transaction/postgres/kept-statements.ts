import {
  kindOf,
  type PgClient,
  type PgResult,
  type Query,
  type QueryClass,
  type Wire,
} from './wire.js';

/** How long a plan is used, in ms: one that was made while a table was empty reads all of it when it is full. */
const PLAN_LIFE = 2_000;
/** How many a connection keeps. */
const MOST = 8;
const KEPT = Symbol('nestjs-background:kept-statements');

/** "invalid_sql_statement_name": the session does not know it. */
const FORGOTTEN = '26000';
/** Classes of errors: what it says, or what it is given, does not fit its tables, which may have changed since. */
const MISFITS = new Set(['0A', '22', '26', '42']);

interface Kept {
  readonly name: string;
  until: number;
}

type Keeping = Wire & { [KEPT]?: KeptStatements };

/** What is kept prepared on a connection: to parse and plan a short statement takes longer than all the rest of it. */
export class KeptStatements {
  /** What was used last comes last. */
  readonly #kept = new Map<string, Kept>();
  /** What has come once, of late. */
  readonly #seen = new Set<string>();

  private constructor(private readonly wire: Wire) {}

  static on(wire: Keeping): KeptStatements {
    return (wire[KEPT] ??= new KeptStatements(wire));
  }

  /** Whether a statement has come before: one that comes once is better not kept. */
  comesAgain(sql: string): boolean {
    if (this.#kept.has(sql) || this.#seen.delete(sql)) return true;
    if (this.#seen.size === MOST) this.#seen.delete(firstOf(this.#seen));
    this.#seen.add(sql);
    return false;
  }

  /** Has a statement prepared, where it is not, or not of late; gives the name to bind it by. */
  prepare(sql: string): string {
    const kept = this.#kept.get(sql) ?? { name: this.#freeName(), until: 0 };
    this.#kept.delete(sql);
    this.#kept.set(sql, kept);
    const now = performance.now();
    if (kept.until > now) return kept.name;
    // There may be none of that name, which is no error.
    this.wire.close({ type: 'S', name: kept.name });
    this.wire.parse({ name: kept.name, text: sql });
    kept.until = now + PLAN_LIFE;
    return kept.name;
  }

  /** Has failed, and perhaps before it was prepared. */
  doubt(sql: string): void {
    const known = this.#kept.get(sql);
    if (known) known.until = 0;
  }

  /** Where there are many, that of the one which was not used for longest. */
  #freeName(): string {
    if (this.#kept.size < MOST) return `nestjs-background-${this.#kept.size}`;
    const sql = firstOf(this.#kept.keys());
    const { name } = this.#kept.get(sql)!;
    this.#kept.delete(sql);
    return name;
  }
}

function firstOf(texts: Iterable<string>): string {
  const [first] = texts;
  return first!;
}

/** Whether the session no longer knows what was prepared in it: something between has reset it, or put another in its place. */
export function isForgotten(error: unknown): boolean {
  return codeOf(error) === FORGOTTEN;
}

/** Whether a statement may have failed only for having been prepared. */
export function isStale(error: unknown): boolean {
  return MISFITS.has(codeOf(error).slice(0, 2));
}

/** Writes a query of `pg` whose statement is kept. Under no name that `pg` knows: it would take another's answer for its. */
export function prepareKept(query: Query, wire: Wire): void {
  query.name = KeptStatements.on(wire).prepare(query.text);
  query.hasBeenParsed = always;
  kindOf(query).prepare.call(query, wire);
  query.name = undefined;
}

/** Runs a statement that is kept, by itself. */
export function queryKept(
  client: PgClient,
  kind: QueryClass,
  sql: string,
  values: readonly unknown[],
): Promise<PgResult> {
  return new Promise((resolve, reject) => {
    const query = new kind(sql, values, (error, result) => {
      if (!error) return resolve(result);
      KeptStatements.on(client.connection).doubt(sql);
      reject(error);
    });
    query.requiresPreparation = always;
    query.prepare = (wire) => prepareKept(query, wire);
    client.query(query);
  });
}

export function always(): boolean {
  return true;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}

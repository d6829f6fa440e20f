import { JobTransactionError } from '../../errors/transaction.errors.js';
import { patiently } from './patience.js';
import { sqliteCode, type NativeConnection, type SqliteRunner } from './sqlite-shape.js';
import { marksConnection } from './statements.js';

const BEGIN = 'BEGIN TRANSACTION';
const ENDS: readonly string[] = ['COMMIT', 'ROLLBACK'];

/** What is known of the statements that ran on a runner of our own. */
export class StatementWatch {
  /** Whether one was run that the connection will not forget. */
  isMarked = false;
  /** Whether a transaction was begun here, and not ended. */
  isBegun = false;
  /** The error with which SQLite has ended the transaction by itself. */
  lost: unknown;

  constructor(
    /** Gives up a wait for other processes. */
    public signal: AbortSignal | undefined,
  ) {}

  /** For the next transaction on the same runner. */
  renew(signal: AbortSignal | undefined): void {
    this.isBegun = false;
    this.lost = undefined;
    this.signal = signal;
  }
}

type Run = (sql: string) => Promise<unknown>;

/**
 * Has a runner of our own begin its transactions as a writer at once, wait for other processes without blocking the
 * thread, and notice when SQLite has ended a transaction by itself.
 */
export function watchStatements(
  runner: SqliteRunner,
  native: NativeConnection,
  title: string,
  signal?: AbortSignal,
): StatementWatch {
  const watch = new StatementWatch(signal);
  const { query } = runner;
  runner.query = async function (this: SqliteRunner, sql, parameters, structured) {
    const run: Run = (statement) => query.call(this, statement, parameters, structured);
    if (watch.lost !== undefined) return afterLoss(sql, title, watch.lost);
    watch.isMarked ||= marksConnection(sql);
    try {
      const result = await (sql === BEGIN
        ? begin(run, title, watch.signal)
        : patiently(() => run(sql), title));
      watch.isBegun = sql === BEGIN || (watch.isBegun && !ENDS.includes(sql));
      return result;
    } catch (error) {
      if (watch.isBegun && (await hasEnded(native, query.bind(this)))) watch.lost = error;
      throw error;
    }
  };
  return watch;
}

/** Else another process might write between our first read and our first write, which then would fail. */
async function begin(run: Run, title: string, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return await patiently(() => run('BEGIN IMMEDIATE TRANSACTION'), title, signal);
  } catch (error) {
    // Reading is still possible; a write will say the same again.
    if (!sqliteCode(error).startsWith('SQLITE_READONLY')) throw error;
    return run(BEGIN);
  }
}

/** A full disk, say, ends a transaction without a word: what follows would be committed statement by statement. */
async function hasEnded({ inTransaction }: NativeConnection, run: Run): Promise<boolean> {
  if (inTransaction !== undefined) return !inTransaction;
  const hasBegun = await run(BEGIN).then(
    () => true,
    () => false,
  );
  if (hasBegun) await run('ROLLBACK');
  return hasBegun;
}

/** A rollback has nothing left to do. */
function afterLoss(sql: string, title: string, cause: unknown): undefined {
  if (sql === 'ROLLBACK') return undefined;
  throw new JobTransactionError(
    `After an error, ${title} has rolled back the job's whole transaction by itself; the error was caught, and what the ` +
      'job writes now would stand alone. Let the error pass.',
    { cause },
  );
}

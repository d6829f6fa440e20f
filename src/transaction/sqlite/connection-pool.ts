import { statSync } from 'node:fs';
// From the module, not the global, so that a test's fake timers cannot stop it.
import { setImmediate } from 'node:timers';
import { JobTransactionError } from '../../errors/transaction.errors.js';
import { OwnConnection, runnerOn, type Lender } from './own-connection.js';
import { patiently } from './patience.js';
import type { NativeConnection, SqliteDriverLike, SqliteRunner } from './sqlite-shape.js';

/** Kept for the next job: one writes at a time, and a few read outside of their transactions. */
const MOST_IDLE = 4;

/** Connections to a database file beside the one that TypeORM shares with everybody. */
export class ConnectionPool implements Lender {
  #idle: OwnConnection[] = [];
  readonly #lent = new Set<OwnConnection>();
  #identity: string | undefined;
  #isSeen = false;

  constructor(
    readonly driver: SqliteDriverLike,
    private readonly file: string,
    readonly title: string,
  ) {
    this.#identity = identityOf(file);
  }

  async lend(signal?: AbortSignal): Promise<OwnConnection> {
    return this.lendIdle() ?? (await this.#open(signal));
  }

  lendIdle(): OwnConnection | undefined {
    this.#refuseOtherFile();
    const idle = this.#idle.pop();
    if (idle) this.#lent.add(idle);
    return idle;
  }

  /** @param reusable Whether it is as good as new. */
  takeBack(connection: OwnConnection, reusable: boolean): Promise<void> | undefined {
    const isOurs = this.#lent.delete(connection);
    const isWanted = isOurs && this.#idle.length < MOST_IDLE && !this.#isClosed;
    if (!isWanted || !reusable) return close(connection.native);
    this.#idle.push(connection);
    return undefined;
  }

  /** Somebody may write once more after the DataSource was destroyed: nobody would close what is kept then. */
  get #isClosed(): boolean {
    return this.driver.databaseConnection.open === false;
  }

  /** When the DataSource is destroyed. What is lent is closed when it comes back. */
  async clear(): Promise<void> {
    const idle = this.#idle;
    this.#idle = [];
    this.#lent.clear();
    this.#identity = undefined;
    this.#isSeen = false;
    await Promise.all(idle.map(({ native }) => close(native)));
  }

  async #open(signal: AbortSignal | undefined): Promise<OwnConnection> {
    const native = await patiently(() => this.#connect(), this.title, signal);
    try {
      await this.#prepare(native);
    } catch (error) {
      await close(native);
      throw error;
    }
    const connection = new OwnConnection(native, this);
    this.#lent.add(connection);
    return connection;
  }

  /** No busy timeout, or better-sqlite3 would wait with the event loop standing still. And never a new, empty file. */
  #connect(): Promise<NativeConnection> {
    const options = { ...this.driver.options, timeout: 0, fileMustExist: true };
    const driver = Object.create(this.driver, { options: { value: options } }) as SqliteDriverLike;
    return driver.createDatabaseConnection();
  }

  async #prepare(native: NativeConnection): Promise<void> {
    const { runner } = runnerOn(this.driver, native);
    for (const { attachFilepathAbsolute, attachHandle } of attachedTo(this.driver)) {
      await runner.query(`ATTACH "${attachFilepathAbsolute}" AS "${attachHandle}"`);
    }
    // Without WAL, a transaction that outgrows the cache would lock readers out before it is committed.
    if ((await journalMode(runner)) !== 'wal') await runner.query('PRAGMA cache_spill = OFF');
  }

  /** What is written to a file that was deleted or replaced would be lost, and nobody would know. */
  #refuseOtherFile(): void {
    if (this.#isSeen) return;
    const found = identityOf(this.file);
    this.#identity ??= found;
    if (found !== undefined && found === this.#identity) return this.#seen();
    throw new JobTransactionError(
      `${this.title} has been deleted or replaced since the application opened it, so what is written there is lost. ` +
        'Put it back and restart the application.',
    );
  }

  /** Jobs that follow each other without a turn of the event loop need not look again. */
  #seen(): void {
    this.#isSeen = true;
    setImmediate(() => (this.#isSeen = false));
  }
}

export function attachedTo(
  driver: SqliteDriverLike,
): { attachFilepathAbsolute: string; attachHandle: string }[] {
  return Object.values(driver.attachedDatabases ?? {});
}

async function journalMode(runner: SqliteRunner): Promise<string | undefined> {
  const rows = (await runner.query('PRAGMA journal_mode')) as { journal_mode?: string }[];
  return rows[0]?.journal_mode;
}

function identityOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/** sqlite3 calls back; better-sqlite3 has closed when it returns, and calls nobody. */
function close(native: NativeConnection): Promise<void> {
  if (native.pragma) return Promise.resolve(native.close()).then(() => undefined);
  return new Promise((resolve, reject) => {
    native.close((error) => (error ? reject(error) : resolve()));
  });
}

import { currentJobScope } from '../../context/scope.js';
import { watchStatements, type StatementWatch } from './own-statements.js';
import type { Lane } from './own-connection.js';
import type { SqliteDatabase } from './sqlite-database.js';
import type { NativeConnection, SqliteRunner } from './sqlite-shape.js';
import type { Release } from './writer-lock.js';

/** The connection that a guarded runner uses. */
export interface RunnerSource {
  readonly runner: SqliteRunner;
  /** A transaction that was begun with a statement BEGIN, on whatever runner that uses the connection. */
  readonly byHand: { release: Release | undefined };
  native(): NativeConnection;
  /** Whether reads, too, must wait while somebody writes. */
  readsWait(): boolean;
  /** Before anything is done with it. */
  enter(): Promise<void>;
  /** When the runner is released. */
  leave(): Promise<void>;
}

/** The connection that the application shares, as TypeORM has it. */
export function sharedSource(database: SqliteDatabase, runner: SqliteRunner): RunnerSource {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    runner,
    byHand: database.byHand,
    native: () => database.driver.databaseConnection,
    // Rows of the application's own transaction it has always seen; a job's it must not, nor a job the application's.
    readsWait: () => database.isSingle && (database.isHeldByJob || currentJobScope() !== undefined),
    enter: nothing,
    leave: nothing,
  };
}

/** A connection apart, for code of a job outside of its transaction: it sees what is committed, and nothing else. */
export function ownSource(database: SqliteDatabase): RunnerSource {
  const { runner, enter } = database.runner();
  let watch: StatementWatch | undefined;
  let entering: Promise<Lane> | undefined;
  const connect = async (): Promise<Lane> => {
    const lane = await database.lane();
    enter(lane);
    watch = watchStatements(runner, lane.native, database.title);
    return lane;
  };
  return {
    runner,
    byHand: { release: undefined },
    native: () => runner.driver.databaseConnection,
    readsWait: () => !database.readsAreFree,
    async enter() {
      await (entering ??= connect());
    },
    async leave() {
      const lane = await entering;
      entering = undefined;
      await lane?.leave(!watch?.isMarked && lane.native.inTransaction !== true);
    },
  };
}

/** Outside of a job's transaction: the application's connection for the application, another for jobs. */
export function sourceFor(database: SqliteDatabase, shared: () => SqliteRunner): RunnerSource {
  const isApart = currentJobScope() !== undefined && !database.isSingle;
  return isApart ? ownSource(database) : sharedSource(database, shared());
}

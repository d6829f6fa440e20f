import { watchStatements, type StatementWatch } from './own-statements.js';
import type { NativeConnection, SqliteDriverLike, SqliteRunner } from './sqlite-shape.js';

/** A runner of TypeORM's for one job, and what is known of the statements that ran on it. */
export interface WatchedRunner {
  readonly runner: SqliteRunner;
  readonly watch: StatementWatch;
}

/** A connection that is lent for a while. */
export interface Lane {
  readonly native: NativeConnection;
  /** Prepared on it, as TypeORM keeps them; without, the runner keeps its own. */
  readonly statements?: Map<string, unknown>;
  /** A runner on it, which is nobody else's until it is given back. */
  watched(signal: AbortSignal | undefined): WatchedRunner;
  /** Gives it back; where it is not as good as new, it is closed. */
  leave(reusable: boolean): Promise<void> | undefined;
}

/** What a pool takes back. */
export interface Lender {
  readonly driver: SqliteDriverLike;
  readonly title: string;
  takeBack(connection: OwnConnection, reusable: boolean): Promise<void> | undefined;
}

/** A connection to the file, with what was prepared on it. */
export class OwnConnection implements Lane {
  readonly statements = new Map<string, unknown>();
  #watched: WatchedRunner | undefined;

  constructor(
    readonly native: NativeConnection,
    private readonly pool: Lender,
  ) {}

  /** The same for one job after the other: the runner is as good as new where the connection is. */
  watched(signal: AbortSignal | undefined): WatchedRunner {
    const known = this.#watched;
    if (!known) return (this.#watched = this.#newRunner(signal));
    known.runner.data = {};
    known.watch.renew(signal);
    return known;
  }

  leave(reusable: boolean): Promise<void> | undefined {
    return this.pool.takeBack(this, reusable);
  }

  #newRunner(signal: AbortSignal | undefined): WatchedRunner {
    const { runner } = runnerOn(this.pool.driver, this.native);
    runner.stmtCache = this.statements;
    return { runner, watch: watchStatements(runner, this.native, this.pool.title, signal) };
  }
}

/** A runner of TypeORM's for one connection alone; `lane.databaseConnection` may be set later. */
export function runnerOn(
  driver: SqliteDriverLike,
  native?: NativeConnection,
): { runner: SqliteRunner; lane: SqliteDriverLike } {
  const lane = laneOf(driver, native);
  return { runner: lane.createQueryRunner('master') as SqliteRunner, lane };
}

/** The driver, but with another connection and another runner. */
export function laneOf(driver: SqliteDriverLike, native?: NativeConnection): SqliteDriverLike {
  const lane = Object.create(driver) as SqliteDriverLike;
  // Assigned, which costs a tenth of describing the properties; the driver has them as plain fields.
  lane.databaseConnection = native!;
  lane.queryRunner = undefined;
  return lane;
}

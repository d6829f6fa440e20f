import { JobTransactionEndedError, JobTransactionError } from '../../errors/transaction.errors.js';
import type { ConnectionOpener, ConnectionOwner } from '../job-connection.js';
import type { DataSourceLike, IsolationLevel } from '../typeorm-shape.js';
import { watchStatements, type StatementWatch } from './own-statements.js';
import { databaseOf, type Lane } from './sqlite-database.js';
import type { SqliteRunner } from './sqlite-shape.js';
import type { LockParty, Release } from './writer-lock.js';

/** A connection for a job alone, where the database is in a file; else the only one, while everybody else waits. */
export function sqliteConnection(
  dataSource: DataSourceLike,
  owner: ConnectionOwner,
): ConnectionOpener {
  const database = databaseOf(dataSource);
  const { runner, enter } = database.runner();
  const abandoned = new AbortController();
  const { signal } = abandoned;
  let release: Release | undefined;
  let lane: Lane | undefined;
  let watch: StatementWatch | undefined;
  const leave = async (reusable: boolean): Promise<void> => {
    const left = lane;
    lane = undefined;
    try {
      await left?.leave(reusable);
    } finally {
      release?.();
    }
  };
  return {
    runner,
    async begin(isolation) {
      refuseIsolation(isolation, owner);
      if (!database.isReadOnly) release = await database.hold(partyOf(owner), { signal });
      try {
        lane = await database.lane(signal);
        enter(lane);
        watch = watchStatements(runner, lane.native, database.title, signal);
        await runner.startTransaction(inheritedIsolation(dataSource));
      } catch (error) {
        // The job may go on for long, and has nothing that others should wait for.
        await leave(false);
        throw error;
      }
    },
    close: (error) => leave(!error && !watch?.isMarked && isIdle(runner, lane)),
    interrupt() {
      lane?.native.interrupt?.();
      return Promise.resolve();
    },
    abandon: () => abandoned.abort(new JobTransactionEndedError(owner.jobId, owner.jobName)),
  };
}

export function partyOf({ jobName, jobId }: ConnectionOwner): LockParty {
  return { title: `the transaction of job ${jobName} (${jobId})`, jobId, isJob: true };
}

function isIdle({ isTransactionActive }: SqliteRunner, lane: Lane | undefined): boolean {
  return !isTransactionActive && lane?.native.inTransaction !== true;
}

/** A DataSource may have READ UNCOMMITTED for a default, which the connection would keep for the next job. */
function inheritedIsolation({ options }: DataSourceLike): IsolationLevel | undefined {
  return options.isolationLevel && 'SERIALIZABLE';
}

function refuseIsolation(
  isolation: IsolationLevel | undefined,
  { jobName }: ConnectionOwner,
): void {
  if (!isolation || isolation === 'SERIALIZABLE') return;
  throw new JobTransactionError(
    `Job ${jobName} asks for the isolation ${isolation}, and SQLite has none but SERIALIZABLE: a transaction sees the ` +
      'database as it was when it began. Leave { isolation } away.',
  );
}

import type { ConnectionOpener } from './job-connection.js';
import { plainQueryRunner } from './query-runner-seam.js';
import type { DataSourceLike } from './typeorm-shape.js';

/** The native connection of PostgreSQL or MySQL, as far as it tells how to stop what it does. */
interface NativeConnection {
  readonly processID?: number;
  readonly threadId?: number;
}

/** A connection out of the DataSource's pool, for a job alone. */
export function pooledConnection(dataSource: DataSourceLike): ConnectionOpener {
  const runner = plainQueryRunner(dataSource);
  return {
    runner,
    begin: (isolation) => runner.startTransaction(isolation),
    close: (error) => release(runner, error),
    async interrupt() {
      const statement = stopStatement((await runner.connect()) as NativeConnection);
      if (!statement) return;
      const other = plainQueryRunner(dataSource);
      await other.query(statement).finally(() => other.release());
    },
  };
}

interface ReleasableRunner {
  release(): Promise<void>;
  /** Of TypeORM's PostgreSQL runner: gives the pool a reason not to use the connection again. */
  releasePostgresConnection?(error?: Error): Promise<void>;
}

async function release(runner: ReleasableRunner, error: Error | undefined): Promise<void> {
  if (error && runner.releasePostgresConnection) await runner.releasePostgresConnection(error);
  else await runner.release();
}

function stopStatement({ processID, threadId }: NativeConnection): string | undefined {
  if (processID) return `SELECT pg_cancel_backend(${processID})`;
  return threadId ? `KILL QUERY ${threadId}` : undefined;
}

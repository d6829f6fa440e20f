import type { LastStatement } from '../../tracker/job-tracker.js';
import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';
import { isUnheard, leaveUnheard } from '../unheard.js';
import { queryOf } from './begin-with-first.js';
import { isUnknown, keepsSessions, noteIfForgotten } from './kept-sessions.js';
import { commitAlone, commitPrepared } from './prepared-commit.js';
import { isPgClient, type PgClient } from './wire.js';

interface Broadcasting {
  readonly broadcaster?: { broadcast(event: string): Promise<void> };
}

/**
 * Commits, with one more statement where one is given, in one round trip: PostgreSQL runs them one after the other, and not
 * the COMMIT where the statement fails. TypeORM's subscribers are told as by `commitTransaction`.
 */
export async function commitWith(
  dataSource: DataSourceLike,
  runner: QueryRunnerLike & Broadcasting,
  client: object,
  last: LastStatement | undefined,
): Promise<void> {
  if (canPrepare(dataSource, client)) {
    await commitKept(dataSource, client, last);
    return leaveUnheard(runner);
  }
  if (!last) return runner.commitTransaction();
  const isHeard = !isUnheard(dataSource);
  if (isHeard) await runner.broadcaster?.broadcast('BeforeTransactionCommit');
  await runner.query(inOne(last));
  runner.isTransactionActive = false;
  if (isHeard) await runner.broadcaster?.broadcast('AfterTransactionCommit');
}

/** Whether statements can be kept prepared: nobody hears of them then, and their sessions must know them again. */
export function canPrepare(dataSource: DataSourceLike, client: object): client is PgClient {
  return keepsSessions(dataSource) && isUnheard(dataSource) && isPgClient(client);
}

/** Whether that is yet to be learned, of a DataSource whose statements could be. */
export function mayPrepare(dataSource: DataSourceLike, client: object): client is PgClient {
  return isUnknown(dataSource) && isUnheard(dataSource) && isPgClient(client);
}

/** Where its session has forgotten the statement the job is run again, as where its connection was lost. */
function commitKept(
  dataSource: DataSourceLike,
  client: PgClient,
  last: LastStatement | undefined,
): Promise<void> {
  const query = queryOf(client);
  return new Promise((resolve, reject) => {
    const ended = (error?: Error): void => {
      noteIfForgotten(dataSource, error);
      if (error) reject(error);
      else resolve();
    };
    if (last) commitPrepared(query, last, ended);
    else commitAlone(query, ended);
  });
}

/** Several statements in one text take no values. */
function inOne({ sql, literally }: LastStatement): string {
  return `${literally?.() ?? sql}; COMMIT`;
}

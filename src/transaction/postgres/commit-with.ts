import type { LastStatement } from '../../tracker/job-tracker.js';
import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';
import { isUnheard } from '../unheard.js';
import { commitPrepared, isForgotten, isPgClient, type PgClient } from './prepared-commit.js';

const FORGETS = Symbol('nestjs-background:forgets');

type Forgetful = DataSourceLike & { [FORGETS]?: true };

interface Broadcasting {
  readonly broadcaster?: { broadcast(event: string): Promise<void> };
}

/**
 * Commits with one more statement, in one round trip: PostgreSQL runs them one after the other, and not the COMMIT where
 * the statement fails. TypeORM's subscribers are told as by `commitTransaction`.
 */
export async function commitWith(
  dataSource: DataSourceLike,
  runner: QueryRunnerLike & Broadcasting,
  client: object,
  last: LastStatement,
): Promise<void> {
  if (canPrepare(dataSource, client, last)) {
    await noticeForgotten(dataSource, commitPrepared(client.query.bind(client), last));
    runner.isTransactionActive = false;
    return;
  }
  const isHeard = !isUnheard(dataSource);
  if (isHeard) await runner.broadcaster?.broadcast('BeforeTransactionCommit');
  await runner.query(inOne(last));
  runner.isTransactionActive = false;
  if (isHeard) await runner.broadcaster?.broadcast('AfterTransactionCommit');
}

/** Whether the statement can be kept prepared: nobody hears of it then, and its session must know it again. */
export function canPrepare(
  dataSource: Forgetful,
  client: object,
  { isPreparable }: LastStatement,
): client is PgClient {
  return (
    isPreparable === true && !dataSource[FORGETS] && isUnheard(dataSource) && isPgClient(client)
  );
}

/** Where its session has forgotten the statement it is not prepared any more; the job is run again, as where its connection was lost. */
export async function noticeForgotten(
  dataSource: Forgetful,
  committing: Promise<void>,
): Promise<void> {
  try {
    await committing;
  } catch (error) {
    if (isForgotten(error)) dataSource[FORGETS] = true;
    throw error;
  }
}

/** Several statements in one text take no values. */
function inOne({ sql, literally }: LastStatement): string {
  return `${literally?.() ?? sql}; COMMIT`;
}

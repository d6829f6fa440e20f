import type { LastStatement } from '../../tracker/job-tracker.js';
import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';
import { isUnheard } from '../unheard.js';
import { commitPrepared, isForgotten } from './prepared-commit.js';

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
  runner: QueryRunnerLike,
  client: object,
  last: LastStatement,
): Promise<void> {
  if (!isUnheard(dataSource)) return commitHeard(runner, last);
  await (prepared(dataSource, client, last) ?? runner.query(inOne(last)));
  runner.isTransactionActive = false;
}

async function commitHeard(
  runner: QueryRunnerLike & Broadcasting,
  last: LastStatement,
): Promise<void> {
  await runner.broadcaster?.broadcast('BeforeTransactionCommit');
  await runner.query(inOne(last));
  runner.isTransactionActive = false;
  await runner.broadcaster?.broadcast('AfterTransactionCommit');
}

function prepared(
  dataSource: Forgetful,
  client: object,
  { isPreparable, sql, values }: LastStatement,
): Promise<void> | undefined {
  if (!isPreparable || dataSource[FORGETS]) return undefined;
  return commitPrepared(client, sql, values)?.catch((error: unknown) => {
    // From now on without. The job is run again, as where its connection was lost.
    if (isForgotten(error)) dataSource[FORGETS] = true;
    throw error;
  });
}

/** Several statements in one text take no values. */
function inOne({ sql, literally }: LastStatement): string {
  return `${literally?.() ?? sql}; COMMIT`;
}

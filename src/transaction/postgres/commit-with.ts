import type { QueryRunnerLike } from '../typeorm-shape.js';

interface Broadcasting {
  readonly broadcaster?: { broadcast(event: string): Promise<void> };
}

/**
 * Commits with one more statement, in one round trip: PostgreSQL runs them one after the other, and not the COMMIT where
 * the statement fails. TypeORM's subscribers are told as by `commitTransaction`.
 * @param isUnheard Whether there are none.
 */
export async function commitWith(
  runner: QueryRunnerLike & Broadcasting,
  statement: string,
  isUnheard: boolean,
): Promise<void> {
  if (!isUnheard) await runner.broadcaster?.broadcast('BeforeTransactionCommit');
  await runner.query(`${statement}; COMMIT`);
  runner.isTransactionActive = false;
  if (!isUnheard) await runner.broadcaster?.broadcast('AfterTransactionCommit');
}

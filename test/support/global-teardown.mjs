import { stopEmbeddedPostgres } from './embedded-postgres.mjs';

/** Stops what the set-up has started, and forgets it, so that in watch mode the next run starts its own. */
export default async function tearDown() {
  if (await stopEmbeddedPostgres()) delete process.env.PG_URL;
}

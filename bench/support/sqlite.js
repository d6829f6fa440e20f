import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { Ledger } from './ledger.js';

/**
 * A new file in WAL mode; `drop` removes it. `options` are those of a DataSource on it. It is made here, before a side
 * opens it: the driver waits less for the disk on a file that it finds in WAL mode than on one that it has put into it.
 */
export async function createFile() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-sqlite-'));
  const options = (entities = []) => ({
    ...{ type: 'better-sqlite3', database: join(folder, 'jobs.sqlite'), enableWAL: true },
    ...{ entities: [Ledger, ...entities], synchronize: true },
  });
  const first = await new DataSource(options()).initialize();
  await first.destroy();
  return { options, drop: () => rm(folder, { recursive: true }) };
}

import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseBusyError } from '../../errors/transaction.errors.js';
import { sqliteCode } from './sqlite-shape.js';
import { WAIT_LIMIT } from './writer-lock.js';

const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 100;

/**
 * Tries again while another process writes to the file. SQLite itself would wait with the whole thread standing still,
 * so our own connections have no busy timeout, and the pauses are here.
 */
export function patiently<T>(
  work: () => Promise<T>,
  title: string,
  signal?: AbortSignal,
): Promise<T> {
  return work().catch((error: unknown) => persist(work, title, signal, error));
}

async function persist<T>(
  work: () => Promise<T>,
  title: string,
  signal: AbortSignal | undefined,
  first: unknown,
): Promise<T> {
  const deadline = performance.now() + WAIT_LIMIT;
  let error = first;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    if (!isBusy(error)) throw error;
    if (performance.now() > deadline) throw tooLong(title, error);
    await delay(pause, undefined, { ...(signal && { signal }) });
    try {
      return await work();
    } catch (again) {
      error = again;
    }
  }
}

/** Not of a snapshot that is too old (SQLITE_BUSY_SNAPSHOT): that stays so, however long one waits. */
function isBusy(error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_BUSY';
}

function tooLong(title: string, cause: unknown): DatabaseBusyError {
  return new DatabaseBusyError(title, 'another process', WAIT_LIMIT, { cause });
}

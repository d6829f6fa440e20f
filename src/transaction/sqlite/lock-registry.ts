import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { systemClock } from '../../job/clock.js';
import type { SqliteDriverLike } from './sqlite-shape.js';
import { WriterLock } from './writer-lock.js';

/**
 * The locks hang on the driver's own module, such as better-sqlite3: whoever opens the file in this process through it
 * finds the same lock, also from another DataSource, another application, or another copy of this package.
 */
const LOCKS = Symbol.for('nestjs-background:sqlite-writer-locks');

interface Locks {
  readonly byFile: Map<string, WriterLock>;
  /** What jobs wait for, by their ids. */
  readonly awaited: Map<string, WriterLock>;
}

type WithLocks = object & { [LOCKS]?: Locks };

/** The lock of a file, whichever path leads to it. */
export function fileLock(driver: SqliteDriverLike, path: string): WriterLock {
  const { byFile, awaited } = locksOf(driver);
  const file = realPath(path);
  const known = byFile.get(file);
  if (known) return known;
  const lock = new WriterLock(`the SQLite file ${basename(file)}`, systemClock, awaited);
  byFile.set(file, lock);
  return lock;
}

/** The lock of a database that one DataSource alone has. */
export function memoryLock(driver: SqliteDriverLike, title: string): WriterLock {
  return new WriterLock(title, systemClock, locksOf(driver).awaited);
}

/** Links followed as far as the path exists: the file itself may not yet. */
export function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const folder = dirname(absolute);
    return folder === absolute ? absolute : join(realPath(folder), basename(absolute));
  }
}

function locksOf(driver: SqliteDriverLike): Locks {
  const module: WithLocks = driver.sqlite ?? driver;
  if (!module[LOCKS]) {
    const locks: Locks = { byFile: new Map(), awaited: new Map() };
    Object.defineProperty(module, LOCKS, { value: locks });
  }
  return module[LOCKS]!;
}

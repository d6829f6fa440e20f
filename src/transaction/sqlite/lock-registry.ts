import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { SqliteDriverLike } from './sqlite-shape.js';
import { WriterLock } from './writer-lock.js';

/**
 * The locks hang on the driver's own module, such as better-sqlite3: whoever opens the file in this process through it
 * finds the same lock, also from another DataSource, another application, or another copy of this package.
 */
const LOCKS = Symbol.for('nestjs-background:sqlite-writer-locks');

type WithLocks = object & { [LOCKS]?: Map<string, WriterLock> };

/** The lock of a file, whichever path leads to it. */
export function fileLock(driver: SqliteDriverLike, path: string): WriterLock {
  const locks = locksOf(driver.sqlite ?? driver);
  const file = realPath(path);
  const known = locks.get(file);
  if (known) return known;
  const lock = new WriterLock(`the SQLite file ${basename(file)}`);
  locks.set(file, lock);
  return lock;
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

function locksOf(module: WithLocks): Map<string, WriterLock> {
  if (!module[LOCKS]) Object.defineProperty(module, LOCKS, { value: new Map() });
  return module[LOCKS]!;
}

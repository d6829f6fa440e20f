import type { FileLocks, LockParty, Release, WaitRules } from '../../engine/file-locks.js';
import type { JobParty, WriterLock } from './writer-lock.js';

/** As far as a database needs it. */
export type FileLock = Pick<WriterLock, 'holder' | 'take' | 'takeIfFree'>;

/** In a thread: the lock of a file that the whole process has, of which this thread knows only what it holds itself. */
export class BorrowedLock implements FileLock {
  #holder: LockParty | undefined;

  constructor(
    private readonly locks: FileLocks,
    private readonly file: string,
  ) {}

  get holder(): LockParty | undefined {
    return this.#holder;
  }

  /** Only the main thread knows. */
  takeIfFree(): undefined {
    return undefined;
  }

  async take({ title, jobId, isJob }: JobParty, rules?: WaitRules): Promise<Release> {
    const party = { title, jobId, isJob };
    const release = await this.locks.take(this.file, party, rules);
    this.#holder = party;
    return () => {
      if (this.#holder === party) this.#holder = undefined;
      release();
    };
  }
}

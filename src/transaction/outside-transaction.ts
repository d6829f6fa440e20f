import { runInTransaction } from '../context/scope.js';

/**
 * Runs a function outside of the transaction around it: what it writes is committed on its own and stays, whatever
 * becomes of the job, and jobs that it calls start at once.
 * @example await outsideTransaction(() => this.audit.save({ event: 'tried' }));
 */
export function outsideTransaction<T>(fn: () => T): T {
  return runInTransaction(undefined, fn);
}

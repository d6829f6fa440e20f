import { JobTransactionError } from '../errors/transaction.errors.js';

export function overlap(): JobTransactionError {
  return new JobTransactionError(
    'Two transactions within one job overlap: one would undo what the other did. ' +
      'Await the first before the second begins, and use the manager that the callback is given.',
  );
}

export function endsByHand(sql: string): JobTransactionError {
  return new JobTransactionError(
    `"${sql.trim().slice(0, 40)}" would end the job's transaction. It is committed when the method returns and rolled ` +
      'back when it throws; for a part of its own use dataSource.transaction(), or outsideTransaction().',
  );
}

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

export function otherIsolation(isolation: string): JobTransactionError {
  return new JobTransactionError(
    `A transaction within a job has the isolation of the job; ${isolation} cannot be had in it. ` +
      `Ask for it on the job: @Background({ transaction: { isolation: '${isolation}' } }).`,
  );
}

export function leftSavepoint(): JobTransactionError {
  return new JobTransactionError(
    'The job began a transaction within its own and neither committed nor rolled it back. Await it to its end.',
  );
}

export function leftStream(): JobTransactionError {
  return new JobTransactionError(
    'The job has left a stream open, and its connection takes no COMMIT before that is closed. Read it to its end, or ' +
      'destroy it: `for await` does so.',
  );
}

export function swallowed(cause: unknown): JobTransactionError {
  return new JobTransactionError(
    'A statement of the job failed, and the database has given its transaction up; the error was caught, and a ' +
      'commit would have lost the rows. Let the error pass, or put the statement into dataSource.transaction(), ' +
      'which is a savepoint here.',
    { cause },
  );
}

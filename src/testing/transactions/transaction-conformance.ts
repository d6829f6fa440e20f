import { afterCommit } from './after-commit.cases.js';
import { allOrNothing, waysIn } from './all-or-nothing.cases.js';
import { nested } from './nested.cases.js';
import type { TransactionCase } from './transaction-harness.js';
import { waiting } from './waiting.cases.js';

/** What must hold of the transactions of jobs on every database. */
export function transactionConformance(): TransactionCase[] {
  return [...allOrNothing, ...waysIn, ...nested, ...afterCommit, ...waiting];
}

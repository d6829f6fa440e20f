export { fakeClock, type FakeClock } from './fake-clock.js';
export type { ConformanceCase } from './conformance.js';
export {
  transactionConformance,
  type ConformanceRepository,
  type ConformanceRow,
  type TransactionHarness,
} from './transaction-conformance.js';

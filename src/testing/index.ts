export { fakeClock, type FakeClock } from './fake-clock.js';
export type { ConformanceCase } from './conformance.js';
export { transactionConformance } from './transactions/transaction-conformance.js';
export type {
  ConformanceRepository,
  ConformanceRow,
  TransactionHarness,
} from './transactions/transaction-harness.js';
export { trackerConformance, type TestRunner, type TrackerSetup } from './tracker-conformance.js';

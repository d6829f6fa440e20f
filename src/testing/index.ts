export {
  BackgroundTesting,
  type BackgroundTestingOptions,
  type SpiedCall,
} from './background-testing.js';
export { engineConformance, type EngineSetup } from './engine-conformance.js';
export { fakeClock, type FakeClock } from './fake-clock.js';
export { inlineEngine } from './inline-engine.js';
export { leakGuard, type LeakGuard } from './leak-guard.js';
export type { ConformanceCase } from './conformance.js';
export { transactionConformance } from './transactions/transaction-conformance.js';
export type {
  ConformanceRepository,
  ConformanceRow,
  TransactionHarness,
} from './transactions/transaction-harness.js';
export { trackerConformance, type TestRunner, type TrackerSetup } from './tracker-conformance.js';

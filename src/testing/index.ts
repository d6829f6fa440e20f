export { fakeClock, type FakeClock } from './fake-clock.js';
export { trackerConformance, type TestRunner, type TrackerSetup } from './tracker-conformance.js';

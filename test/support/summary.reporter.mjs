import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Says in the end what was skipped and why, and what passed at a second try only; leaves the counts in the file that `TEST_COUNTS` names. */
export default class SummaryReporter {
  /** @type {Error | undefined} */
  #error;

  /**
   * @param {unknown} _contexts
   * @param {import('@jest/reporters').AggregatedResult} results
   */
  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    if (process.env.TEST_COUNTS) leaveCounts(process.env.TEST_COUNTS, counts);
    reportRaces(results);
    const missing = process.env.MISSING_SERVICES ?? '';
    if (counts.skipped > 0 || missing) this.#report(counts.skipped, missing);
  }

  getLastError() {
    return this.#error;
  }

  /**
   * @param {number} skipped
   * @param {string} missing
   */
  #report(skipped, missing) {
    console.error(`\nNot everything was tested. Skipped: ${skipped} tests.\n${missing}\n`);
    if (process.env.CI !== 'true' && process.env.REQUIRE_SERVICES !== '1') return;
    this.#error = new Error('Nothing may be skipped here.');
  }
}

/** @param {import('@jest/reporters').AggregatedResult} results */
function reportRaces({ testResults }) {
  const tests = testResults.flatMap(({ testResults: ofFile }) => ofFile);
  const raced = tests.filter(
    ({ status, invocations = 1 }) => status === 'passed' && invocations > 1,
  );
  if (raced.length === 0) return;
  const names = raced.map(({ fullName }) => `  ${fullName}`).join('\n');
  console.error(`\nPassed at the second try only, and to be cured:\n${names}\n`);
}

/**
 * @param {string} file
 * @param {object} counts
 */
function leaveCounts(file, counts) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(counts));
}

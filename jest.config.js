import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
export default {
  // Many of the tests wait for other processes: one worker more than a small machine has cores keeps it busy.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  // What a test file has loaded stays in memory when it is over (modules in contexts of their own are never let go), and
  // the more there is, the longer the collector takes.
  workerIdleMemoryLimit: '500MB',
  testEnvironment: 'node',
  // Tests wait for conditions; on a busy machine these take their time.
  testTimeout: 30_000,
  roots: ['<rootDir>/test'],
  setupFilesAfterEnv: process.env.CI === 'true' ? ['<rootDir>/test/support/retry-once.mjs'] : [],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  reporters: ['default', '<rootDir>/test/support/summary.reporter.mjs'],
  moduleNameMapper: {
    // Sources import each other as the built files do, with `.js`.
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // The README's example imports the package by its name.
    '^nestjs-background$': '<rootDir>/src/index.ts',
  },
  transformIgnorePatterns: ['/node_modules/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
};

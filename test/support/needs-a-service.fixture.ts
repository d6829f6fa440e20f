import { expect, it } from '@jest/globals';
import { describeWithPostgres } from './services.js';

// Run by test/services.spec.ts, in a Jest of its own.
describeWithPostgres('A test that needs a service', (url) => {
  it('is told where it is', () => expect(url).toMatch(/^postgres:/));
});

it('A test that needs none runs in any case', () => expect(1).toBe(1));

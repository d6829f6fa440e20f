import { describe, it } from '@jest/globals';
import { localEngine } from '../../src/index.js';
import { engineConformance } from '../../src/testing/index.js';

describe('localEngine()', () => {
  engineConformance({ describe, it }, { make: () => localEngine() });
});

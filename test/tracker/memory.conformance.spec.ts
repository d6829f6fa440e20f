import { describe, it } from '@jest/globals';
import { memoryTracker } from '../../src/index.js';
import { trackerConformance } from '../../src/testing/index.js';

describe('memoryTracker()', () => {
  trackerConformance(
    { describe, it },
    {
      async open(settings) {
        const tracker = memoryTracker();
        await tracker.open(settings);
        return tracker;
      },
    },
  );
});

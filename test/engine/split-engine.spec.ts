import { describe, expect, it } from '@jest/globals';
import type { JobEngine, JobTicket } from '../../src/engine/job-engine.js';
import { engineFor } from '../../src/runtime/split-engine.js';

describe('An engine that processes share, beside one of this process', () => {
  it('hears that the method of a job is over that it has delivered, and of no other', () => {
    const vacated: string[] = [];
    const shared = {
      distributed: true,
      vacate: ({ id }: JobTicket) => void vacated.push(id),
    } as unknown as JobEngine;
    const engine = engineFor(shared);
    const ticket = { id: 'there', name: 'a', priority: 0, runAt: undefined, limit: undefined };
    engine.vacate?.(ticket);
    expect(vacated).toEqual(['there']);
  });
});

import type { JobEngine } from '../engine/job-engine.js';
import type { WaitNode } from '../future/wait-graph.js';
import type { PendingCall } from './pending-call.js';
import type { PendingCalls } from './pending-calls.js';

/** What jobs do with the slots that they have of the engine, beside running in them. */
export class Slots {
  constructor(
    private readonly engine: Pick<JobEngine, 'lend' | 'passOn'>,
    private readonly calls: PendingCalls,
  ) {}

  /** A job waits, and another has its slot until the returned function is called. */
  lend({ ticket }: PendingCall, awaited: WaitNode): () => void {
    if (!ticket) return () => {};
    const accepting = this.calls.find(awaited.id)?.accepting;
    if (!accepting) return this.engine.lend(ticket, awaited.id);
    // While that is being stored, the slot would go to the next in line.
    let isOver = false;
    let takeBack: (() => void) | undefined;
    void accepting.then(() => {
      if (!isOver) takeBack = this.engine.lend(ticket, awaited.id);
    });
    return () => {
      isOver = true;
      takeBack?.();
    };
  }

  /** Another job may begin in the place of this one, whose end is being recorded. */
  passOn({ ticket }: PendingCall): void {
    if (ticket) this.engine.passOn?.(ticket);
  }
}

import type { EngineHost, JobEngine, JobTicket } from '../engine/job-engine.js';

/** Starts every job with its call, whatever its delay, priority or limit, and every retry at once. */
export function inlineEngine(): JobEngine {
  return new InlineEngine();
}

class InlineEngine implements JobEngine {
  #host!: EngineHost;
  #paused = false;

  open(host: EngineHost): void {
    this.#host = host;
  }

  enqueue(ticket: JobTicket): void {
    if (ticket.runAt !== undefined) this.#host.ready(ticket.id);
    void this.#deliver(ticket);
  }

  discard(): void {}

  lend(): () => void {
    return () => {};
  }

  pause(): void {
    this.#paused = true;
  }

  close(): void {
    this.#paused = true;
  }

  async #deliver(ticket: JobTicket): Promise<void> {
    const { again } = await this.#host.deliver(ticket);
    if (again && !this.#paused) this.enqueue({ ...ticket, runAt: again.runAt });
  }
}

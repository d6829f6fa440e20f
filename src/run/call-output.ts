import type { JobActivity } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import { plainJson } from '../job/plain-json.js';
import { OutputWriter } from '../output/output-writer.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import type { PendingCall } from './pending-call.js';
import type { RunnerSettings } from './runner-settings.js';

/** What jobs print and report, on its way to the tracker. */
export class CallOutput {
  readonly #tracker: JobTracker;

  constructor(private readonly settings: RunnerSettings) {
    this.#tracker = settings.tracker;
  }

  write(call: PendingCall, text: string, stream: OutputStream, attempt?: number): void {
    call.output ??= this.#writerFor(call);
    call.output.write(text, stream, attempt);
  }

  setProgress(call: PendingCall, attempt: number, value: number, data: unknown): void {
    const progress = { value, data: plainJson(data) ?? null };
    void this.settings.reporter.unharmed(call, 'store progress', () =>
      this.#tracker.setProgress(call.id, attempt, progress),
    );
  }

  setActivity(call: PendingCall, attempt: number, activity: JobActivity): void {
    void this.settings.reporter.unharmed(call, 'store what it is at', () =>
      this.#tracker.setActivity?.(call.id, attempt, activity),
    );
  }

  /** Goes on after what attempts printed in other processes. */
  async resume(call: PendingCall): Promise<void> {
    call.printed = await this.#tracker.output(call.id, 0);
    call.output = undefined;
  }

  #writerFor(call: PendingCall): OutputWriter {
    const writer = new OutputWriter(this.settings.maxBytes, (output) => {
      void this.settings.reporter.unharmed(call, 'store output', () =>
        this.#tracker.append(call.id, output, call.attempt?.number),
      );
    });
    if (call.printed) writer.resume(call.printed);
    return writer;
  }
}

import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryTracker, type JobTracker } from '../../src/index.js';
import { newJobId } from '../../src/job/job-id.js';
import { systemClock } from '../../src/job/clock.js';
import { OutputWriter } from '../../src/output/output-writer.js';
import { outputEvents } from '../../src/output/transcript.js';
import { newRecord } from '../../src/testing/tracker-cases/case.js';
import { followSteps } from '../../src/tracker/follow-job.js';
import { startAt } from '../support/http.js';
import { Printer, PRINTER } from '../support/printer.js';
import { readAt, sseFrames } from '../support/reader.js';
import { closeApps, startApp } from '../support/test-app.js';

afterEach(closeApps);

/** A job that prints within a size, and whatever it has printed. */
class Channel {
  readonly tracker: JobTracker = memoryTracker();
  readonly id = newJobId();
  printed = 0;
  readonly #writer = new OutputWriter(1_000, (output) => {
    void this.tracker.append(this.id, output);
  });

  constructor() {
    const retention = { completed: 1, failed: 1, count: 1 };
    void this.tracker.open({ clock: systemClock, retention });
    void this.tracker.create({ ...newRecord(), id: this.id });
  }

  print(lines: number): void {
    for (let line = 0; line < lines; line++) {
      const text = `${'é'.repeat(line % 40)}\n`;
      this.printed += Buffer.byteLength(text);
      this.#writer.write(text, 'stdout');
    }
  }
}

class SlowReader {
  read = 0;
  dropped = 0;
  readonly #steps;

  constructor(channel: Channel, after = 0) {
    this.#steps = followSteps(channel.tracker, channel.id, { after });
  }

  async look(): Promise<void> {
    const { value } = await this.#steps.next();
    for (const event of value ? outputEvents(value.page) : []) {
      if (event.dropped === undefined) this.read += Buffer.byteLength(event.text);
      else this.dropped += event.dropped;
    }
  }

  leave(): unknown {
    return this.#steps.return();
  }
}

describe('A reader who is slower than the job', () => {
  it('is told of every byte that it missed, and of none that it has seen', async () => {
    const channel = new Channel();
    const reader = new SlowReader(channel);
    let told = 0;
    for (const lines of [3, 20, 7, 300, 1, 55, 400, 2, 90, 1]) {
      channel.print(lines);
      await reader.look();
      expect(reader.read + reader.dropped).toBe(channel.printed);
      told = reader.dropped;
    }
    expect(told).toBeGreaterThan(0);
    await reader.leave();
  });

  it('that resumes among what was dropped is told how much it missed at most', async () => {
    const channel = new Channel();
    channel.print(30);
    const whole = await channel.tracker.output(channel.id, 0);
    const seen = whole!.chunks.slice(0, -3);
    channel.print(200);
    const after = seen.at(-1)!.seq;
    const had = seen.reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0);
    const reader = new SlowReader(channel, after);
    await reader.look();
    expect(reader.dropped).toBeGreaterThanOrEqual(channel.printed - had - reader.read);
    // From here on it is known.
    const then = { printed: channel.printed, read: reader.read, dropped: reader.dropped };
    for (const lines of [200, 1, 300]) {
      channel.print(lines);
      await reader.look();
      const told = reader.read + reader.dropped - then.read - then.dropped;
      expect(told).toBe(channel.printed - then.printed);
    }
    await reader.leave();
  });

  it('is told so in words, in the answer to a poll as in a stream', async () => {
    await using app = await startApp({ ...PRINTER, background: { output: { maxBytes: 1_000 } } });
    const location = await startAt(app, '/print');
    const printer = app.get(Printer);
    await printer.started.opened;
    for (let line = 0; line < 200; line++) printer.job.print('%s', 'y'.repeat(20));
    printer.end.open();
    const path = `${location}&_after=100`;
    const body = await (await app.fetch(path)).text();
    expect(body).toMatch(/^\n\[\.\.\. up to \d+ bytes of output dropped \.\.\.\]\ny/);
    const reader = await readAt(app, path, { accept: 'text/event-stream' });
    await reader.ended;
    const texts = sseFrames(reader.text)
      .map(({ data }) => JSON.parse(data!) as { text?: string })
      .flatMap(({ text }) => text ?? []);
    expect(texts.join('')).toBe(body);
    const resumed = await readAt(app, location, {
      ...{ accept: 'text/event-stream', 'last-event-id': '100' },
    });
    await resumed.ended;
    expect(sseFrames(resumed.text)[0]).toMatchObject({ event: 'output' });
    expect(sseFrames(resumed.text)).toEqual(sseFrames(reader.text));
    expect(await (await app.fetch(location)).text()).toMatch(
      /\n\[\.\.\. \d+ bytes of output dropped/,
    );
  });
});

import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format } from 'node:util';
import type { OutputStream } from '../job/job-event.js';

type ConsoleMethod = (...values: unknown[]) => void;
type ConsoleMethods = Record<string, ConsoleMethod>;

/** Where console output goes to while some code runs. */
export interface ConsoleSink {
  /** Whether console output is taken at all; `print` is in any case. */
  readonly capturesConsole: boolean;
  /** Whether it goes to the console too. */
  readonly echoesConsole: boolean;
  write(text: string, stream: OutputStream): void;
  /** Made when a method with state is used: indentation, counters and timers are never shared. */
  ownConsole?: ConsoleMethods;
}

interface Capture {
  /** How many runtimes want it. */
  users: number;
  readonly originals: ConsoleMethods;
  readonly standIns: ConsoleMethods;
}

/** These write one line each, so a line can be formatted without a console of the job's own. */
const LINES: Readonly<Record<string, OutputStream>> = {
  log: 'stdout',
  info: 'stdout',
  debug: 'stdout',
  warn: 'stderr',
  error: 'stderr',
};

/** These have state, or write several lines. */
const STATEFUL = [
  ...['assert', 'count', 'countReset', 'dir', 'dirxml', 'group', 'groupCollapsed', 'groupEnd'],
  ...['table', 'time', 'timeEnd', 'timeLog', 'trace'],
];

/** The capture is noted on the console that it changes, so that several runtimes share one, and the last restores it. */
const CAPTURE = Symbol.for('nestjs-background:console-capture');

/** Sends what is written to `console` to the sink of the code that writes it, until the returned function is called. */
export function captureConsole(currentSink: () => ConsoleSink | undefined): () => void {
  const target = console as unknown as ConsoleMethods & { [CAPTURE]?: Capture };
  const capture = (target[CAPTURE] ??= install(target, currentSink));
  capture.users += 1;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    capture.users -= 1;
    if (capture.users > 0) return;
    restore(target, capture);
    delete target[CAPTURE];
  };
}

function install(target: ConsoleMethods, currentSink: () => ConsoleSink | undefined): Capture {
  const capture: Capture = { users: 0, originals: {}, standIns: {} };
  for (const method of [...Object.keys(LINES), ...STATEFUL]) {
    const original = target[method]!;
    capture.originals[method] = original;
    capture.standIns[method] = target[method] = function (this: unknown, ...values) {
      const sink = capture.users > 0 ? currentSink() : undefined;
      if (sink?.capturesConsole) writeTo(sink, method, values);
      if (!sink?.capturesConsole || sink.echoesConsole) original.apply(this, values);
    };
  }
  return capture;
}

/** What somebody else has put around a stand-in meanwhile stays: within it, the stand-in only passes on. */
function restore(target: ConsoleMethods, { originals, standIns }: Capture): void {
  for (const [method, original] of Object.entries(originals)) {
    if (target[method] === standIns[method]) target[method] = original;
  }
}

function writeTo(sink: ConsoleSink, method: string, values: unknown[]): void {
  const stream = LINES[method];
  if (stream && !sink.ownConsole) return sink.write(`${format(...values)}\n`, stream);
  sink.ownConsole ??= consoleOver(sink);
  sink.ownConsole[method]!(...values);
}

function consoleOver(sink: ConsoleSink): ConsoleMethods {
  const stdout = writableOver(sink, 'stdout');
  const stderr = writableOver(sink, 'stderr');
  return new Console({ stdout, stderr }) as unknown as ConsoleMethods;
}

function writableOver(sink: ConsoleSink, stream: OutputStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      sink.write(text, stream);
      done();
    },
  });
}

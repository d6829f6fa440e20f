import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BackgroundService } from '../../dist/index.js';
import { startApplication } from '../support/application.js';
import { ratioRow } from '../support/row.js';
import { newPlace, SHARED } from '../support/shared-tracker.js';

const PRINTER = fileURLToPath(new URL('../support/printing-process.js', import.meta.url));
/** A line that comes by itself, and lines so close to each other that they are stored together; ms between two. */
const PAUSES = { 'a line by itself': 400, 'a line every 20 ms': 20 };

class Reader {}

/** From `print` in one process until it is heard in another one that follows the job. */
export async function measure({ smoke }) {
  const rows = [];
  for (const kind of Object.keys(SHARED)) {
    for (const [what, pause] of Object.entries(PAUSES)) {
      rows.push(...(await measureOn(kind, what, { lines: smoke ? 3 : 150, pause })));
    }
  }
  return rows;
}

async function measureOn(kind, what, work) {
  const place = await newPlace(kind);
  if (!place) return [];
  const { imports, options } = SHARED[kind](place.where);
  const { application, close } = await startApplication(Reader, options, imports);
  const printer = fork(PRINTER, [kind, JSON.stringify(place.where)], { execArgv: [] });
  const exited = once(printer, 'exit');
  await once(printer, 'message');
  printer.send(work);
  const [id] = await once(printer, 'message');
  const latencies = await heard(application.get(BackgroundService), id);
  await exited;
  await close();
  await place.remove();
  return [0.5, 0.99].map((part) => row(`${what}, on ${kind}`, part, latencies));
}

/** In ms, in order. */
function heard(service, id) {
  const latencies = [];
  return new Promise((resolve, reject) => {
    service.follow(id).subscribe({
      next({ type, text }) {
        const now = process.hrtime.bigint();
        if (type === 'output') latencies.push(Number(now - BigInt(text.trim())) / 1e6);
      },
      error: reject,
      complete: () => resolve(latencies.toSorted((a, b) => a - b)),
    });
  });
}

function row(what, part, latencies) {
  const ours = latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))];
  return ratioRow({
    what: `${what}: in another process, ms, p${part * 100}`,
    against: 'half a second',
    ...{ ours, theirs: 500, atMost: 1 },
  });
}

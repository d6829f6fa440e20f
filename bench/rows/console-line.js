import { inBackground, startApplication } from '../support/application.js';
import { alternate, microseconds } from '../support/measure.js';
import { ratioRow } from '../support/row.js';

const LINE = 'page 17 of 240 rendered, 12 images, 3 of them scaled down';

class Jobs {
  async print(lines) {
    return microseconds(() => {
      for (let line = 0; line < lines; line++) console.log(LINE);
    });
  }
}
inBackground(Jobs, 'print');

/** A line of `console.log` in a job, kept by the job alone. This process has /dev/null for its standard output. */
export async function measure({ smoke }) {
  const lines = smoke ? 1000 : 200_000;
  const { jobs, close } = await startApplication(Jobs, { output: { console: 'capture' } });
  const [ours, theirs] = await alternate(
    smoke ? 1 : 9,
    async () => (await jobs.print(lines)) / lines,
    async () => (await microseconds(() => writeLines(lines))) / lines,
  );
  await close();
  return [
    ratioRow({
      what: 'a captured console.log line, µs',
      against: 'process.stdout.write to /dev/null',
      ...{ ours, theirs, atMost: 2 },
    }),
    ratioRow({
      what: 'captured console.log, lines/s',
      against: 'a limit of 500,000',
      ...{ ours: 1e6 / ours, theirs: 500_000, atLeast: 1 },
    }),
  ];
}

function writeLines(lines) {
  for (let line = 0; line < lines; line++) process.stdout.write(`${LINE}\n`);
}

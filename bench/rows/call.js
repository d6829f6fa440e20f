import { inBackground, startApplication } from '../support/application.js';
import { alternate } from '../support/measure.js';
import { targetRow } from '../support/row.js';

class Jobs {
  async bare() {}
  async empty() {}
}
inBackground(Jobs, 'empty');

const LIMIT = 5;

/** What `@Background()` adds to a call until it returns. */
export async function measure({ smoke }) {
  const amount = smoke ? { batches: 2, size: 100 } : { batches: 50, size: 1000 };
  const { jobs, close } = await startApplication(Jobs);
  const [ours, theirs] = await alternate(
    smoke ? 1 : 9,
    () => untilReturn(amount, () => jobs.empty()),
    () => untilReturn(amount, () => jobs.bare()),
  );
  await close();
  return [
    targetRow({
      what: 'a call until it returns, µs',
      against: 'the bare method',
      ...{ ours, theirs },
      target: `≤ ${LIMIT} more`,
      holds: ours - theirs <= LIMIT,
    }),
  ];
}

/** µs for one call; the jobs themselves run between the batches, and are not counted. */
async function untilReturn({ batches, size }, call) {
  let spent = 0n;
  for (let batch = 0; batch < batches; batch++) {
    const promises = new Array(size);
    const before = process.hrtime.bigint();
    for (let place = 0; place < size; place++) promises[place] = call();
    spent += process.hrtime.bigint() - before;
    await Promise.all(promises);
  }
  return Number(spent) / 1000 / (batches * size);
}

import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { currentJob, typeOrmTracker } from '../../dist/index.js';
import { backgroundEntities } from '../../dist/tracker/typeorm/entry.js';
import { CONCURRENCY, inBackground, startApplication } from '../support/application.js';
import { Ledger } from '../support/ledger.js';
import { median, perSecond } from '../support/measure.js';
import { createDatabase } from '../support/postgres.js';
import { ratioRow, targetRow } from '../support/row.js';
import { setTimeout } from 'node:timers/promises';

const READERS = 50;
const JOBS = CONCURRENCY + READERS;

class Jobs {
  constructor(dataSource) {
    this.dataSource = dataSource;
    this.ledger = dataSource.getRepository(Ledger);
  }

  async enter() {
    await this.ledger.insert({ job: currentJob().id });
  }

  /** Its transaction is open from the first statement on. */
  async read() {
    await this.ledger.findOneBy({ job: currentJob().id });
    Jobs.signals.opened();
    await Jobs.signals.closing;
  }
}
inBackground(Jobs, 'enter', { concurrency: CONCURRENCY });
inBackground(Jobs, 'read');
Reflect.defineMetadata('design:paramtypes', [DataSource], Jobs);

/** What jobs of the same application, whose transactions stay open for a minute, do to the queue if they have only read. */
export async function measure({ smoke }) {
  const { count, phase, windows } = smoke
    ? { count: 20, phase: 1, windows: 1 }
    : { count: 2000, phase: 10_000, windows: 3 };
  const database = await createDatabase('bench_open_readers');
  const { jobs, close } = await startApplication(
    Jobs,
    { tracker: typeOrmTracker(), concurrency: JOBS },
    [TypeOrmModule.forRoot({ ...database.options(backgroundEntities), poolSize: JOBS })],
  );
  const load = perSecond({ run: (jobCount) => enterAll(jobs, jobCount) }, count);
  // Until as many finished jobs are there as are kept: from then on the tables do not grow.
  await slices(load, smoke ? 1 : 15_000);
  // Several times for a part of the minute: what else the machine does in that time falls on both.
  const without = { rates: await slices(load, phase), dead: [await deadRows(jobs)] };
  const open = { rates: [], dead: [] };
  for (let window = 0; window < windows; window++) {
    const readers = await openReaders(jobs);
    open.rates.push(...(await slices(load, 2 * phase)));
    open.dead.push(await deadRows(jobs));
    await readers.close();
    without.rates.push(...(await slices(load, phase)));
    without.dead.push(await deadRows(jobs));
  }
  await close();
  await database.drop();
  const what = `with ${READERS} transactions of jobs open that have only read`;
  const against = 'without them';
  const rates = { ours: median(open.rates), theirs: median(without.rates) };
  const dead = { ours: Math.max(...open.dead), theirs: Math.max(...without.dead) };
  return [
    ratioRow({ what: `durable jobs/s on PostgreSQL ${what}`, against, ...rates, atLeast: 0.95 }),
    targetRow({
      ...{ what: `dead rows that VACUUM must leave ${what}`, against, ...dead },
      ...{ target: 'no more', holds: dead.ours <= dead.theirs },
    }),
  ];
}

async function enterAll(jobs, count) {
  await Promise.all(Array.from({ length: count }, () => jobs.enter()));
}

/** The rates of one lot of jobs after the other, for so many ms. */
async function slices(load, duration) {
  const rates = [];
  for (const end = performance.now() + duration; performance.now() < end;) rates.push(await load());
  return rates;
}

/** All at once, and their transactions are open. */
async function openReaders(jobs) {
  let left = READERS;
  let closing;
  const opened = new Promise((resolve) => {
    Jobs.signals = {
      opened: () => --left === 0 && resolve(),
      closing: new Promise((end) => (closing = end)),
    };
  });
  const reading = Array.from({ length: READERS }, () => jobs.read());
  await opened;
  return {
    async close() {
      closing();
      await Promise.all(reading);
    },
  };
}

/** What somebody may still see, so that it has to stay. What the tracker does meanwhile is given time to end. */
async function deadRows({ dataSource }) {
  let dead;
  for (let tries = 0; tries < 20 && dead !== 0; tries++) {
    await dataSource.query('VACUUM background_job');
    const [row] = await dataSource.query(
      `SELECT n_dead_tup AS dead FROM pg_stat_user_tables WHERE relname = 'background_job'`,
    );
    dead = Number(row.dead);
    if (dead > 0) await setTimeout(100);
  }
  return dead;
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { newCrashQueue } from './crash-queue.mjs';
import { transpile } from './transpile.mjs';

/**
 * Kills processes again and again while they run jobs that insert a row in their transaction, then looks at the rows.
 * @param {{ url: string, kills: number, jobs: number, workers?: number, report?: (line: string) => void,
 *   engine?: 'local' | 'bullmq-redis' | 'bullmq-postgres', restarts?: number }} options `restarts` of the queue's Redis
 */
export async function crashRun(options) {
  const {
    url,
    kills,
    jobs,
    workers = 3,
    report = () => {},
    engine = 'local',
    restarts = 0,
  } = options;
  const script = await transpile();
  const database = new pg.Client(url);
  await database.connect();
  const queue = await newCrashQueue(engine, url);
  const crew = new Crew(script, { url, engine: queue.options }, workers);
  try {
    await crew.fill();
    for (let killed = 1; killed <= kills; killed++) {
      // The kills are spread over the whole time in which jobs are stored.
      await untilStored(database, (killed * jobs) / (kills + 1));
      await wait(Math.random() * 50);
      await crew.killOne();
      const isTime = killed < kills && killed % Math.ceil(kills / (restarts + 1)) === 0;
      if (isTime) await queue.restart();
      if (killed % 20 === 0) report(`${killed} kills, ${await count(database, 'TRUE')} jobs`);
    }
    await untilStored(database, jobs);
    crew.startsNoMore = true;
    const killedAt = await crew.killOne();
    crew.stopStarting();
    await untilAllEnded(database);
    const recovery = Math.round(performance.now() - killedAt);
    return { ...(await verdict(database)), kills: kills + 1, recovery };
  } finally {
    await crew.end();
    await database.end();
    await queue.drop();
  }
}

class Crew {
  startsNoMore = false;
  /** @type {import('node:child_process').ChildProcess[]} */
  #ready = [];
  /** @type {Set<Promise<void>>} */
  #hiring = new Set();

  /**
   * @param {string} script
   * @param {{ url: string, engine: object | undefined }} place
   * @param {number} size
   */
  constructor(script, place, size) {
    this.script = script;
    this.place = place;
    this.size = size;
  }

  /** Waits for one to be ready; the others follow. */
  async fill() {
    while (this.#ready.length + this.#hiring.size < this.size) this.#hire();
    if (this.#ready.length === 0) await Promise.race(this.#hiring);
  }

  /** The one that is ready longest, so that each has had some time to work; another one takes its place. */
  async killOne() {
    await this.fill();
    const worker = /** @type {import('node:child_process').ChildProcess} */ (this.#ready.shift());
    const exited = once(worker, 'exit');
    const killedAt = performance.now();
    worker.kill('SIGKILL');
    await exited;
    await this.fill();
    return killedAt;
  }

  stopStarting() {
    this.#ready.forEach((worker) => worker.send('stop'));
  }

  async end() {
    await Promise.all(this.#hiring);
    const exits = this.#ready.map((worker) => once(worker, 'exit'));
    this.#ready.forEach((worker) => worker.kill('SIGKILL'));
    await Promise.all(exits);
  }

  #hire() {
    const inFlight = this.startsNoMore ? '0' : '40';
    const { url, engine } = this.place;
    const queue = engine ? { CRASH_ENGINE: JSON.stringify(engine) } : {};
    const env = { ...process.env, CRASH_URL: url, CRASH_IN_FLIGHT: inFlight, ...queue };
    const worker = fork(this.script, { env, execArgv: ['--enable-source-maps'] });
    const hired = Promise.race([once(worker, 'message'), failing(worker)]).then(() => {
      this.#hiring.delete(hired);
      this.#ready.push(worker);
      if (this.startsNoMore) worker.send('stop');
    });
    this.#hiring.add(hired);
  }
}

/** @param {import('node:child_process').ChildProcess} worker */
async function failing(worker) {
  const [code, signal] = await once(worker, 'exit');
  if (signal !== 'SIGKILL') throw new Error(`A worker ended by itself, with ${code ?? signal}.`);
}

/**
 * @param {pg.Client} database
 * @param {number} jobs
 */
async function untilStored(database, jobs) {
  while ((await count(database, 'TRUE')) < jobs) await wait(20);
}

/** @param {pg.Client} database */
async function untilAllEnded(database) {
  const deadline = performance.now() + 120_000;
  while ((await count(database, `state NOT IN ('completed', 'failed', 'cancelled')`)) > 0) {
    if (performance.now() > deadline) throw new Error('Some jobs never ended.');
    await wait(50);
  }
}

/** @param {pg.Client} database */
async function verdict(database) {
  return {
    jobs: await count(database, 'TRUE'),
    completed: await count(database, `state = 'completed'`),
    cutOffTwiceOrMore: await count(database, 'stalled > 1'),
    rerun: await count(database, 'attempt > 1'),
    failures: (
      await database.query(
        `SELECT error->>'message' AS message, COUNT(*) FROM background_job WHERE state <> 'completed' GROUP BY 1`,
      )
    ).rows,
    withoutRow: await count(database, 'NOT EXISTS (SELECT 1 FROM ledger WHERE job = id)'),
    rows: await number(database, 'SELECT COUNT(*) FROM ledger'),
    doubled: await number(
      database,
      'SELECT COUNT(*) FROM (SELECT job FROM ledger GROUP BY job HAVING COUNT(*) > 1) AS twice',
    ),
    ofAnotherAttempt: await count(
      database,
      'EXISTS (SELECT 1 FROM ledger l WHERE l.job = id AND l.attempt <> background_job.attempt)',
    ),
  };
}

/**
 * @param {pg.Client} database
 * @param {string} condition
 */
function count(database, condition) {
  return number(database, `SELECT COUNT(*) FROM background_job WHERE ${condition}`);
}

/**
 * @param {pg.Client} database
 * @param {string} sql
 */
async function number(database, sql) {
  return Number((await database.query(sql)).rows[0].count);
}

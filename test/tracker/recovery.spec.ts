import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { background, jobOf, JobInterruptedError } from '../../src/index.js';
import { newJobId } from '../../src/job/job-id.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { prepare } from '../support/prepare.js';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

describe.each(REACHABLE)('What a process leaves unfinished, on %s', (kind) => {
  let database: TestDatabase;
  let outside: DataSource;

  beforeAll(async () => {
    database = await newDatabase(kind);
    outside = await prepare(database);
  });

  afterAll(async () => {
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    for (const table of ['background_job', 'background_output', 'background_lease', 'ledger']) {
      await outside.query(`DELETE FROM ${table}`);
    }
  });

  afterEach(closeApps);

  const rowsOf = async (id: string): Promise<number> =>
    (await outside.query<unknown[]>(`SELECT job FROM ledger WHERE job = '${id}'`)).length;

  /** A job as a process leaves it that was killed. */
  async function orphan(name: string, fields: Record<string, unknown> = {}): Promise<string> {
    const row = {
      ...{ id: newJobId(), name, state: 'queued', attempt: 0, created_at: 1, owner: randomUUID() },
      ...fields,
    };
    const values = Object.values(row).map((value) =>
      typeof value === 'number' ? value : `'${String(value)}'`,
    );
    await outside.query(
      `INSERT INTO background_job (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`,
    );
    return row.id;
  }

  it('is handed back at a shutdown, and runs again at the next start', async () => {
    const first = await startDurableApp(database, {}, { concurrency: 1 });
    const running = jobOf(first.get(Durable).enter(1, new Date(0)));
    // Stored one after the other: two calls at once may be queued in either order.
    await running.accepted;
    const waiting = jobOf(first.get(Durable).enter(2, undefined));
    const lost = [running, waiting].map((future) => future.catch((error: unknown) => error));
    await until(() => first.get(Durable).seen.length === 1);
    await first[Symbol.asyncDispose]();
    for (const error of await Promise.all(lost)) expect(error).toBeInstanceOf(JobInterruptedError);
    expect(await rowsOf(running.id)).toBe(0);

    const second = await startDurableApp(database);
    second.get(Durable).latch.open();
    expect(await second.service.wait(running.id)).toBe(2);
    expect(await second.service.wait(waiting.id)).toBe(1);
    expect(second.get(Durable).seen).toContainEqual([1, new Date(0)]);
    expect(second.get(Durable).seen).toContainEqual([2, undefined]);
    expect(await second.service.output(running.id)).toBe('attempt 1\nattempt 2\ndone\n');
    expect(await rowsOf(running.id)).toBe(1);
    expect(await rowsOf(waiting.id)).toBe(1);
  });

  it('is taken over while others live, whether it was running or not', async () => {
    const app = await startDurableApp(database);
    app.get(Durable).latch.open();
    await app.get(Durable).enter(0);
    const owner = '00000000-0000-0000-0000-000000000000';
    const call = { invocation: '{"args":[7]}', owner };
    const queued = await orphan('durable', call);
    const running = await orphan('durable', { ...call, state: 'running', attempt: 3 });
    expect(await app.service.wait(queued)).toBe(1);
    expect(await app.service.wait(running)).toBe(4);
    expect(app.get(Durable).seen.slice(1)).toEqual([[7], [7]]);
  });

  it('keeps its time where it was delayed', async () => {
    const first = await startDurableApp(database);
    const { id, accepted } = background(first.get(Durable), { delay: '1h' }).enter(1);
    await accepted;
    await first[Symbol.asyncDispose]();
    const sign = await orphan('per-request', { invocation: '{"args":[]}' });
    const second = await startDurableApp(database);
    await second.service.wait(sign);
    expect((await second.service.find(id))?.state).toBe('scheduled');
  });

  it('stays where it is if nobody knows its name, and that is said once', async () => {
    const unknown = await orphan('Gone.job', { invocation: '{"args":[]}' });
    const known = await orphan('durable', { invocation: '{"args":[]}' });
    const app = await startDurableApp(database);
    app.get(Durable).latch.open();
    await app.service.wait(known);
    expect((await app.service.find(unknown))?.state).toBe('queued');
    expect(app.log.containing('warn', 'Gone.job')).toHaveLength(1);
  });

  it('has failed if it was a mere function', async () => {
    const lost = await orphan('anonymous', { state: 'running', attempt: 1 });
    const app = await startDurableApp(database);
    await expect(app.service.wait(lost)).rejects.toThrow('Make it a method under @Background()');
    expect((await app.service.find(lost))?.error?.name).toBe('JobInterruptedError');
  });

  it('has failed if what was stored cannot be read', async () => {
    const broken = await orphan('durable', { invocation: '{"args":7}' });
    const app = await startDurableApp(database);
    await expect(app.service.wait(broken)).rejects.toThrow('could not be run again');
  });

  it('runs on an instance of its own where the class belongs to requests', async () => {
    const id = await orphan('per-request', { invocation: '{"args":[]}' });
    const app = await startDurableApp(database);
    expect(await app.service.wait(id)).toBe(true);
  });

  // While a job writes to a SQLite file nobody can take it over.
  if (kind === 'sqlite') return;

  it('counts no more once another has it: its rows, its end and its output', async () => {
    const app = await startDurableApp(database, { recovery: '1h' });
    const future = jobOf(app.get(Durable).enter(1));
    const outcome = future.catch((error: unknown) => error);
    const stored = `SELECT job_id FROM background_output WHERE job_id = '${future.id}'`;
    await until(async () => (await outside.query<unknown[]>(stored)).length === 1);
    const other = randomUUID();
    // It lives, or this process would take its job over in turn.
    const lease = `INSERT INTO background_lease (owner, expires_at) VALUES ('${other}', 9000000000000)`;
    await outside.query(lease);
    await outside.query(
      `UPDATE background_job SET attempt = 2, owner = '${other}' WHERE id = '${future.id}'`,
    );
    app.get(Durable).latch.open();
    expect(await outcome).toBeInstanceOf(Error);
    expect(await rowsOf(future.id)).toBe(0);
    const job = await app.service.find(future.id);
    expect([job?.state, job?.attempt]).toEqual(['running', 2]);
    await until(async () => (await app.service.output(future.id)) === 'attempt 1\n');
  });
});

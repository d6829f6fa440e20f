import { fork } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { canStartPostgres, OwnPostgres } from '../support/own-postgres.js';
import { until } from '../support/until.js';
import { createTables } from './crash-database.mjs';
import { transpile } from './transpile.mjs';

const describeWhereItStarts = canStartPostgres() ? describe : describe.skip;

describeWhereItStarts('A database that is restarted while jobs write to it', () => {
  it('has in the end one row of each job, and no process has died of it', async () => {
    const script = await transpile();
    await using server = await OwnPostgres.start();
    await createTables(server.url);
    const env = { ...process.env, CRASH_URL: server.url };
    const worker = fork(script, { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let said = '';
    worker.stdout!.on('data', (text) => (said += String(text)));
    worker.stderr!.on('data', (text) => (said += String(text)));
    try {
      for (const mode of ['immediate', 'fast', 'immediate'] as const) {
        const before = await count(server.url, `state = 'completed'`).catch(() => 0);
        await until(async () => (await count(server.url, `state = 'completed'`)) > before + 100);
        await server.restart(mode);
      }
      worker.send('stop');
      const unfinished = `state NOT IN ('completed', 'failed', 'cancelled')`;
      await until(async () => (await count(server.url, unfinished)) === 0);
      expect(await count(server.url, `state <> 'completed'`)).toBe(0);
      expect(await count(server.url, 'attempt > 1')).toBeGreaterThan(0);
      const rows = '(SELECT COUNT(*) FROM ledger WHERE job = id)';
      expect(await count(server.url, `${rows} <> 1`)).toBe(0);
      const jobs = await count(server.url, 'TRUE');
      expect(await number(server.url, 'SELECT COUNT(*) FROM ledger')).toBe(jobs);
      expect(worker.exitCode).toBeNull();
      expect(said).not.toMatch(/unhandled|uncaught/i);
    } catch (error) {
      throw new Error(`${String(error)}\n${said.slice(-4_000)}`, { cause: error });
    } finally {
      worker.kill('SIGKILL');
    }
  }, 60_000);
});

function count(url: string, condition: string): Promise<number> {
  return number(url, `SELECT COUNT(*) FROM background_job WHERE ${condition}`);
}

async function number(url: string, sql: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return Number((await client.query<{ count: string }>(sql)).rows[0]!.count);
  } finally {
    await client.end();
  }
}

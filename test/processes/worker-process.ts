import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll } from '@jest/globals';
import type { BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';
import type { RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { transpile } from '../crash/transpile.mjs';

/** What the application of a worker is made from; as JSON. */
export interface WorkerSettings {
  readonly url: string;
  readonly engine: BullMqEngineOptions;
  readonly tracker?: RedisTrackerOptions;
  readonly concurrency?: number;
  readonly recovery?: string;
}

/** Processes without an application. A process takes a second to load what it needs, so it serves test after test. */
const idle: ChildProcess[] = [];

afterAll(() => Promise.all(idle.splice(0).map(killWorker)));

/** A process whose application has started. */
export async function startWorker(settings: WorkerSettings): Promise<ChildProcess> {
  const worker = idle.pop() ?? (await newProcess());
  await answerOf(worker, settings);
  return worker;
}

/** Closes the application of a worker. */
export async function stopWorker(worker: ChildProcess): Promise<void> {
  if (hasEnded(worker)) return;
  await answerOf(worker, 'stop');
  idle.push(worker);
}

export async function killWorker(worker: ChildProcess): Promise<void> {
  if (hasEnded(worker)) return;
  const exited = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exited;
}

async function newProcess(): Promise<ChildProcess> {
  const script = await transpile('test/processes/worker');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const worker = fork(script, { env, execArgv: ['--enable-source-maps'] });
  await once(worker, 'message');
  return worker;
}

/** Waits for the end of the process too: one that cannot start answers nothing. */
async function answerOf(worker: ChildProcess, message: WorkerSettings | 'stop'): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(worker, 'exit', { signal }).then(([code, killedBy]: unknown[]) => {
    throw new Error(`A worker ended by itself, with ${String(code ?? killedBy)}.`);
  });
  const answered = once(worker, 'message', { signal });
  worker.send(message);
  await Promise.race([answered, ended]).finally(() => {
    settled.abort();
    ended.catch(() => undefined);
    answered.catch(() => undefined);
  });
}

function hasEnded(worker: ChildProcess): boolean {
  return worker.exitCode !== null || worker.signalCode !== null;
}

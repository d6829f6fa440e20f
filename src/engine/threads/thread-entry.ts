import 'reflect-metadata';
import { BroadcastChannel } from 'node:worker_threads';
import { runInScope } from '../../context/scope.js';
import { ResultNotSerializableError } from '../../errors/thread.errors.js';
import { threadData } from '../thread-pool.js';
import { obstacleIn } from '../crossing.js';
import { crossingOf } from './line.js';
import { LockBorrower } from './lock-borrower.js';
import { ThreadApp } from './thread-app.js';
import type { FromThread, PoolMessage, ThreadEnd, ThreadTask } from './thread-messages.js';
import { ThreadScope } from './thread-scope.js';

// What a thread of the pool loads. It knows the scope of a job, but not the runner: that stays where the job came from.
const data = threadData()!;
const app = new ThreadApp(data.app);
const locks = new LockBorrower();
data.locks = locks;

const channel = new BroadcastChannel(data.channel);
channel.unref();
channel.onmessage = () =>
  void app
    .close()
    .catch(() => {})
    .then(() => channel.postMessage('closed' satisfies PoolMessage));

/** Runs a method, tells its end on the port of the task, and waits until it is said what becomes of its transaction. */
export default async function run(task: ThreadTask): Promise<void> {
  const { port, name } = task;
  const line = locks.handOutLine();
  const began: FromThread = { type: 'began', locks: line };
  port.postMessage(began, line ? [line] : []);
  const scope = new ThreadScope(task);
  const end = await perform(task, scope);
  try {
    port.postMessage(end);
  } catch {
    port.postMessage(uncrossable(name, end));
  }
  await scope.conclusion.reached;
}

async function perform(task: ThreadTask, scope: ThreadScope): Promise<ThreadEnd> {
  try {
    const { target, method } = await app.methodOf(task.owner, task.key);
    scope.enter(await app.runtime());
    const run = (): unknown => method.apply(target, task.args as never[]);
    const value: unknown = await runInScope(scope, run, scope.conclusion.transaction);
    return { type: 'value', value };
  } catch (thrown) {
    return thrown instanceof Error ? errorEnd(thrown) : { type: 'thrown', value: thrown };
  }
}

function errorEnd(error: Error): ThreadEnd {
  return { type: 'error', error: crossingOf(error) };
}

function uncrossable(name: string, end: ThreadEnd): ThreadEnd {
  const value = end.type === 'error' ? end.error.fields : end.value;
  const { path, reason } = obstacleIn(value) ?? { path: '', reason: 'it cannot be copied' };
  return errorEnd(new ResultNotSerializableError(name, `result${path}`, reason));
}

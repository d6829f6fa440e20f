import 'reflect-metadata';
import { BroadcastChannel } from 'node:worker_threads';
import { runInScope } from '../../context/scope.js';
import { toFailure } from '../../errors/failure.js';
import { ResultNotSerializableError } from '../../errors/thread.errors.js';
import { threadData } from '../thread-pool.js';
import { obstacleIn } from '../crossing.js';
import { ThreadApp } from './thread-app.js';
import type { FromThread, PoolMessage, ThreadEnd, ThreadTask } from './thread-messages.js';
import { ThreadScope } from './thread-scope.js';

// What a thread of the pool loads. It knows the scope of a job, but not the runner: that stays where the job came from.
const { app: url, channel: channelName } = threadData()!;
const app = new ThreadApp(url);

const channel = new BroadcastChannel(channelName);
channel.unref();
channel.onmessage = () =>
  void app
    .close()
    .catch(() => {})
    .then(() => channel.postMessage('closed' satisfies PoolMessage));

/** Runs a method; its end is the last message on the port of the task. */
export default async function run(task: ThreadTask): Promise<void> {
  const { port, name } = task;
  port.postMessage({ type: 'began' } satisfies FromThread);
  const end = await perform(task);
  try {
    port.postMessage(end);
  } catch {
    port.postMessage(uncrossable(name, end));
  }
}

async function perform(task: ThreadTask): Promise<ThreadEnd> {
  try {
    const { target, method } = await app.methodOf(task.owner, task.key);
    const scope = new ThreadScope(task, await app.runtime());
    const value: unknown = await runInScope(scope, () =>
      method.apply(target, task.args as never[]),
    );
    return { type: 'value', value };
  } catch (thrown) {
    return thrown instanceof Error ? errorEnd(thrown) : { type: 'thrown', value: thrown };
  }
}

/** An error crosses as its name, message, stack and whichever of its fields can. */
function errorEnd(error: Error): ThreadEnd {
  const failure = toFailure(error);
  const fields = Object.entries(error).filter(
    ([name, value]) => !(name in failure) && !obstacleIn(value),
  );
  return { type: 'error', failure, fields: Object.fromEntries(fields) };
}

function uncrossable(name: string, end: ThreadEnd): ThreadEnd {
  const value = end.type === 'error' ? end.fields : end.value;
  const { path, reason } = obstacleIn(value) ?? { path: '', reason: 'it cannot be copied' };
  return errorEnd(new ResultNotSerializableError(name, `result${path}`, reason));
}

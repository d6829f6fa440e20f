import type { ThreadTask } from './thread-messages.js' with { 'resolution-mode': 'import' };

// What a thread of the pool loads first. The pool would `require` the ES module itself, and Node 20 ends the whole process
// where a thread is stopped in the middle of that; one that is imported is given up.
const entry = import('./thread-entry.js');
// Whoever calls it is told why it could not be loaded.
entry.catch(() => undefined);

async function run(task: ThreadTask): Promise<void> {
  const { default: runTask } = await entry;
  await runTask(task);
}

export = run;

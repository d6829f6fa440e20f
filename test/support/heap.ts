import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** How many bytes of heap are in use once all garbage is gone. */
export async function heapInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    // What is about to be dropped is dropped first: timers, settled promises, weak references.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

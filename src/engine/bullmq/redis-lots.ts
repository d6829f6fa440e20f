import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers';
import type { RedisClient, RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';

/** How many go together: few enough that Redis, which serves nobody else meanwhile, is done in a moment. */
const MOST = 25;
const NO_SUCH_SCRIPT = /^NOSCRIPT\b/;

type Argument = string | number | Buffer;

/** How a program of BullMQ, which is run for one job, can be run for many. */
interface Gathering {
  /** Which of its keys is the job's own: the others are the queue's. 0 where there is none. */
  readonly ownKey: number;
  /** A value that it has for most jobs: the few others have other keys of the queue, and go alone. */
  readonly usual?: string;
}

const GATHERED: Readonly<Record<string, Gathering>> = {
  addPrioritizedJob: { ownKey: 0 },
  moveToFinished: { ownKey: 12, usual: 'completed' },
};

/** A program of BullMQ, as it has taught it to ioredis. */
interface Program {
  readonly lua: string;
  readonly numberOfKeys: number;
}

interface Waiting {
  /** Keys, then arguments. */
  readonly values: readonly Argument[];
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/**
 * Runs a program of BullMQ's for several jobs in one call: its text is that of the installed BullMQ, word for word, and is
 * run once for each job, with the keys and arguments that BullMQ has made. What is wrong with one job is its own.
 */
class Lots {
  readonly #text: string;
  readonly #sha: string;
  readonly #keys: number;
  #waiting: Waiting[] = [];

  constructor(
    private readonly redis: Redis,
    { lua, numberOfKeys }: Program,
    private readonly ownKey: number,
  ) {
    this.#keys = numberOfKeys;
    this.#text = forEach(lua, numberOfKeys, ownKey);
    this.#sha = createHash('sha1').update(this.#text).digest('hex');
  }

  run(values: readonly Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const length = this.#waiting.push({ values, resolve, reject });
      if (length === 1) setImmediate(() => this.send());
      // So that Redis begins with what there is while more is being made.
      if (length === MOST) this.send();
    });
  }

  /** Sends what there is. */
  send(): void {
    const some = this.#waiting;
    this.#waiting = [];
    if (some.length > 0) void this.#sendTogether(some);
  }

  async #sendTogether(some: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#call(some);
      some.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    } catch (error) {
      some.forEach(({ reject }) => reject(error));
    }
  }

  async #call(some: readonly Waiting[]): Promise<unknown[]> {
    const values = this.#valuesOf(some);
    try {
      return (await this.redis.call('EVALSHA', this.#sha, ...values)) as unknown[];
    } catch (error) {
      if (!NO_SUCH_SCRIPT.test((error as Error).message)) throw error;
      return (await this.redis.call('EVAL', this.#text, ...values)) as unknown[];
    }
  }

  /** The keys of the queue go once for all. */
  #valuesOf(some: readonly Waiting[]): Argument[] {
    const values: Argument[] = [0];
    for (let at = 0; at < this.#keys; at++) values.push(some[0]!.values[at]!);
    if (this.ownKey > 0) for (const one of some) values.push(one.values[this.ownKey - 1]!);
    values[0] = values.length - 1;
    values.push(some.length);
    for (const one of some) {
      for (let at = this.#keys; at < one.values.length; at++) values.push(one.values[at] ?? '');
    }
    return values;
  }
}

/** An error in one of them is its answer. */
function forEach(lua: string, keys: number, ownKey: number): string {
  return `
local function forOne(KEYS, ARGV)
${lua}
end
local count = tonumber(ARGV[1])
local width = (#ARGV - 1) / count
local keys = { unpack(KEYS, 1, ${keys}) }
local answers = {}
for at = 1, count do
  ${ownKey > 0 ? `keys[${ownKey}] = KEYS[${keys} + at]` : ''}
  local isDone, answer = pcall(forOne, keys, { unpack(ARGV, 2 + (at - 1) * width, 1 + at * width) })
  if isDone then
    answers[at] = answer
  else
    answers[at] = type(answer) == 'table' and answer or { err = 'ERR ' .. tostring(answer) }
  end
end
return answers
`;
}

/**
 * Has the backend of the queue run its programs for several jobs at once. One that BullMQ does not have, or keeps
 * elsewhere, is run for each job by itself, as BullMQ does it.
 */
export function inLots(backend: RedisQueueBackend, redis: Redis): RedisQueueBackend {
  const all = new Map<string, Lots | undefined>();
  const alone = backend.execCommand.bind(backend);
  const lotsOf = (name: string): Lots | undefined => {
    if (!all.has(name)) all.set(name, newLots(redis, name));
    return all.get(name);
  };
  return Object.assign(backend, {
    execCommand: (client: RedisClient, name: string, values: Argument[]): unknown => {
      const lots = isGathered(name, values) ? lotsOf(name) : undefined;
      return lots ? lots.run(values) : alone(client, name, values);
    },
    // BullMQ's own runs them in a pipeline.
    addJobs: async (entries: Parameters<RedisQueueBackend['addJobs']>[0]): Promise<string[]> => {
      const client = await backend.client;
      const adding = entries.map(({ job, jobId, parentKeyOpts }) =>
        backend.addJobToTransaction(client, job, jobId, parentKeyOpts),
      );
      // They were gathered before: what is told of one of them later must not overtake it.
      lotsOf('addPrioritizedJob')?.send();
      return Promise.all(adding);
    },
  });
}

function isGathered(name: string, values: readonly Argument[]): boolean {
  const gathering = GATHERED[name];
  return gathering !== undefined && (!gathering.usual || values.includes(gathering.usual));
}

/** BullMQ teaches ioredis its programs by their names and its version. */
function newLots(redis: Redis, name: string): Lots | undefined {
  const programs = (redis as { scriptsSet?: Record<string, Partial<Program>> }).scriptsSet ?? {};
  const full = Object.keys(programs).find((one) => one.startsWith(`${name}:`));
  const { lua, numberOfKeys } = (full && programs[full]) || {};
  if (typeof lua !== 'string' || typeof numberOfKeys !== 'number') return undefined;
  return new Lots(redis, { lua, numberOfKeys }, GATHERED[name]!.ownKey);
}

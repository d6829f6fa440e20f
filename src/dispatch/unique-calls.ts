import { currentJobScope } from '../context/scope.js';
import type { Clock } from '../job/clock.js';
import { isPipelined } from '../future/hand-over.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import { Timeout } from '../future/timeout.js';
import type { PendingCall } from '../run/pending-call.js';
import { keyOf } from './ticket.js';

interface UniqueCall {
  readonly call: PendingCall;
  readonly since: number;
  stopTimer?: () => void;
}

/** The calls that stand for all others with their key. */
export class UniqueCalls {
  readonly #calls = new Map<string, UniqueCall>();

  constructor(
    private readonly clock: Clock,
    /** How long completed jobs are kept, in ms: none stands for others that nobody can look at. */
    private readonly retention: number,
  ) {}

  /** The call that stands for those with its key; itself, if it is the first. @throws BackgroundOptionsError */
  firstLike(call: PendingCall): PendingCall {
    const key = uniqueKeyOf(call);
    const first = this.#calls.get(key)?.call;
    if (first && isOverriddenBy(first, call)) return call;
    if (first && mayStand(first)) return first;
    this.#keep(key, call);
    return call;
  }

  close(): void {
    for (const { stopTimer } of this.#calls.values()) stopTimer?.();
    this.#calls.clear();
  }

  #keep(key: string, call: PendingCall): void {
    const unique: UniqueCall = { call, since: this.clock.now() };
    this.#calls.set(key, unique);
    // Told before anybody who awaits it: the next call may be theirs.
    void call.future.result(
      (value) => (value === Timeout ? this.#drop(key, unique) : this.#completed(key, unique)),
      () => this.#drop(key, unique),
    );
  }

  /** Goes on standing for the others for as long as it asks to. A failed job is in nobody's way. */
  #completed(key: string, unique: UniqueCall): void {
    const asked = unique.since + (unique.call.definition.unique?.for ?? 0) - this.clock.now();
    const left = Math.min(asked, this.retention);
    if (left <= 0 || this.#calls.get(key) !== unique) return this.#drop(key, unique);
    unique.stopTimer = this.clock.after(left, () => this.#drop(key, unique));
  }

  #drop(key: string, unique: UniqueCall): void {
    if (this.#calls.get(key) === unique) this.#calls.delete(key);
  }
}

/** Whether a job calls the method that its own one overrides: that has the same name, and is to run. */
function isOverriddenBy(first: PendingCall, call: PendingCall): boolean {
  const isOther = first.definition.method !== call.definition.method;
  return isOther && currentJobScope()?.context.id === first.id;
}

/** Not one that is gone when its transaction is rolled back, for a call outside of that; nor one that is kept no more. */
function mayStand({ future, kept }: PendingCall): boolean {
  return !future.isHeldElsewhere && (kept?.isKept ?? true);
}

function uniqueKeyOf({ definition, args }: PendingCall): string {
  if (!args.some(isPipelined)) return keyOf(definition, 'unique', definition.unique!.key, args);
  throw new BackgroundOptionsError(
    'unique.key',
    args,
    `Job ${definition.name} was refused: whether it is unique cannot be told while its arguments are futures. ` +
      'Await them first.',
  );
}

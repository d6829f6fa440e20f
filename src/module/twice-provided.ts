import { Logger } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { RuntimeSettings } from '../runtime/runtime-options.js';

interface Provided {
  readonly instance: unknown;
  readonly moduleName: string;
}

/** Classes with several instances: where a job is found by its name, one of them is taken, whichever was called. */
export class TwiceProvided {
  readonly #provided = new Map<Function, Provided[]>();
  readonly #findsByName: boolean;

  constructor({ tracker, engine }: RuntimeSettings) {
    this.#findsByName = tracker.durable === true || engine.distributed === true;
  }

  /** One of a request, or for whoever injects it, has many instances anyway. */
  note(
    owner: Function,
    wrapper: InstanceWrapper,
    moduleName: string,
    jobs: readonly JobDefinition[],
  ): void {
    const instance: unknown = wrapper.instance;
    if (!instance || wrapper.isTransient || !wrapper.isDependencyTreeStatic()) return;
    if (!this.#findsByName && !jobs.some(({ thread, unique }) => thread ?? unique)) return;
    const others = this.#provided.get(owner) ?? [];
    if (others.some((other) => other.instance === instance)) return;
    this.#provided.set(owner, [...others, { instance, moduleName }]);
  }

  /** Says so, once for each class. */
  warn(): void {
    for (const [{ name }, provided] of this.#provided) {
      if (provided.length > 1) new Logger('Background').warn(warningOf(name, provided));
    }
  }
}

function warningOf(name: string, provided: readonly Provided[]): string {
  const places = provided.map(({ moduleName }) => moduleName).join(', ');
  return (
    `${name} has methods under @Background(), and is provided ${provided.length} times (in ${places}). Where a job is ` +
    'found by its name (after a restart, in another process, in a thread, by its unique key), it may run on another ' +
    `instance than it was called on. Give each module a class of its own, such as a subclass of ${name}.`
  );
}

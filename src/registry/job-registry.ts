import { BackgroundOptionsError, DuplicateJobNameError } from '../errors/setup.errors.js';
import type { BackgroundOptions } from './background-options.js';
import {
  defineJob,
  type JobDefaults,
  type JobDefinition,
  type JobMethod,
  type ThreadPlace,
} from './job-definition.js';

/** What `@Background()` notes of a method. */
export interface BackgroundMethod {
  readonly key: string | symbol;
  readonly method: JobMethod;
  readonly options: BackgroundOptions | undefined;
}

/** A job that was stored by its name, found again. */
export interface KnownJob {
  readonly owner: Function;
  readonly definition: JobDefinition;
}

interface Registered {
  readonly owner: Function;
  readonly noted: BackgroundMethod;
  readonly described: string;
}

/** The decorated methods of one application, by job name. */
export class JobRegistry {
  readonly #byName = new Map<string, Registered>();
  readonly #definitions = new WeakMap<Function, Map<BackgroundMethod, JobDefinition>>();

  constructor(
    private readonly defaults: JobDefaults,
    private readonly threads: 'here' | 'missing' | 'inside',
  ) {}

  /** @throws DuplicateJobNameError where another method has the name. */
  register(owner: Function, noted: BackgroundMethod, moduleName: string): void {
    const { name } = this.definitionOf(owner, noted);
    const described = `${nameOfMethod(owner, noted)} (in ${moduleName})`;
    const known = this.#byName.get(name);
    if (known && (known.owner !== owner || known.noted !== noted)) {
      throw new DuplicateJobNameError(name, [known.described, described]);
    }
    this.#byName.set(name, { owner, noted, described });
  }

  /** The job of a name, for one that was stored. */
  resolve(name: string): KnownJob | undefined {
    const known = this.#byName.get(name);
    return known && { owner: known.owner, definition: this.definitionOf(known.owner, known.noted) };
  }

  /** The method's own rules where a call of the job can be found again by its name; `undefined` for a mere function. */
  ownDefinition({ name, method }: JobDefinition): JobDefinition | undefined {
    const known = this.resolve(name);
    return known?.definition.method === method ? known.definition : undefined;
  }

  /** The job that a decorated method is, when it is called on an instance of this class. */
  definitionOf(owner: Function, noted: BackgroundMethod): JobDefinition {
    const definitions = this.#definitions.get(owner) ?? new Map<BackgroundMethod, JobDefinition>();
    if (definitions.size === 0) this.#definitions.set(owner, definitions);
    let definition = definitions.get(noted);
    if (!definition) definitions.set(noted, (definition = this.define(owner, noted)));
    return definition;
  }

  /** The same with options for one call. @throws BackgroundOptionsError for a thread, where there are none. */
  define(owner: Function, noted: BackgroundMethod, options?: BackgroundOptions): JobDefinition {
    const name = nameOfMethod(owner, noted);
    const place = this.#placeFor(name, options?.thread ?? noted.options?.thread, {
      owner: owner.name,
      key: String(noted.key),
    });
    return defineJob(noted.method, name, place, options, noted.options, this.defaults);
  }

  /** A function that no class decorated. @throws BackgroundOptionsError for a thread: it would not find it. */
  defineFunction(method: JobMethod, name: string, options?: BackgroundOptions): JobDefinition {
    this.#placeFor(name, options?.thread, undefined);
    return defineJob(method, name, undefined, options, this.defaults);
  }

  /** In a thread already, a method runs where it is called. */
  #placeFor(
    name: string,
    thread: boolean | undefined,
    place: ThreadPlace | undefined,
  ): ThreadPlace | undefined {
    if (!thread || this.threads === 'inside') return undefined;
    if (this.threads === 'missing') throw threadRefusal(name, NO_THREADS);
    if (!place) throw threadRefusal(name, NO_METHOD);
    return place;
  }
}

const NO_THREADS =
  "there are no threads. Give them an application: BackgroundModule.forRoot({ threads: { app: './dist/worker-app.js' } }).";
const NO_METHOD =
  'a thread cannot find a function that no class has. Make it a method of a provider.';

function threadRefusal(name: string, why: string): BackgroundOptionsError {
  return new BackgroundOptionsError(
    'thread',
    true,
    `Job ${name} asks for { thread: true }, but ${why}`,
  );
}

function nameOfMethod(owner: Function, { key }: BackgroundMethod): string {
  return `${owner.name || '(anonymous class)'}.${String(key)}`;
}

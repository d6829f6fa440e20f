import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { backgroundMethodsOf } from '../registry/noted-method.js';
import { attachRuntime, RUNTIME } from '../decorators/runtime-injection.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { BackgroundMethod } from '../registry/job-registry.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import { dataSourcesOf } from './data-sources.js';
import { TwiceProvided } from './twice-provided.js';

/** Finds the decorated methods of the application, so that two of one name are an error at start. */
@Injectable()
export class JobExplorer implements OnModuleInit, OnApplicationBootstrap {
  readonly #wrappers = new Map<Function, InstanceWrapper>();
  readonly #twice: TwiceProvided;

  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {
    this.#twice = new TwiceProvided(runtime.settings);
  }

  /** @throws DuplicateJobNameError */
  async onModuleInit(): Promise<void> {
    const dataSources = dataSourcesOf(this.modules);
    this.runtime.transactions.connect(dataSources);
    for (const { name, providers, controllers } of this.modules.values()) {
      for (const wrapper of [...providers.values(), ...controllers.values()]) {
        this.#explore(wrapper, name);
      }
    }
    this.#twice.warn();
    await this.runtime.connect(dataSources);
  }

  /** Only now may jobs run that are left from an earlier process: the other providers are ready. */
  onApplicationBootstrap(): void {
    this.runtime.begin((owner) => this.#instanceOf(owner));
  }

  #explore(wrapper: InstanceWrapper, moduleName: string): void {
    const instance: unknown = wrapper.instance ?? prototypeOf(wrapper.metatype);
    if (typeof instance !== 'object' || instance === null) return;
    const owner = classOf(instance);
    if (!owner) return;
    const methods = backgroundMethodsOf(owner);
    // So that what background(instance) starts is this application's, whoever calls it and from where.
    if (methods.size === 0) return attachWhereMade(wrapper, this.runtime);
    this.#wrappers.set(owner, wrapper);
    const jobs = [...methods.values()].map((noted) => this.#register(owner, noted, moduleName));
    this.#twice.note(owner, wrapper, moduleName, jobs);
    // A factory of the user's made it, so Nest injected nothing; it belongs to the application all the same.
    if (instance !== owner.prototype) attachRuntime(instance, this.runtime);
  }

  #register(owner: Function, noted: BackgroundMethod, moduleName: string): JobDefinition {
    const { registry, transactions } = this.runtime;
    registry.register(owner, noted, moduleName);
    const job = registry.definitionOf(owner, noted);
    transactions.check(job);
    return job;
  }

  /** One of its own where it belongs to a request: a job that is run again has none. */
  async #instanceOf(owner: Function): Promise<unknown> {
    const wrapper = this.#wrappers.get(owner);
    if (wrapper?.isDependencyTreeStatic() && !wrapper.isTransient) return wrapper.instance;
    return this.moduleRef.resolve(wrapper?.token ?? owner, undefined, { strict: false });
  }
}

/** None of what refuses to say: strict proxies do, of what they do not know. */
function classOf(instance: object): Function | undefined {
  try {
    const { constructor } = instance;
    return typeof constructor === 'function' ? constructor : undefined;
  } catch {
    return undefined;
  }
}

/** Only what Nest has made for this application: another object may be everybody's. */
function attachWhereMade(
  { instance, metatype, inject }: InstanceWrapper,
  runtime: BackgroundRuntime,
): void {
  const isMade = typeof metatype === 'function' && !inject && instance instanceof metatype;
  if (isMade && Object.isExtensible(instance)) attachRuntime(instance as object, runtime);
}

function prototypeOf(metatype: unknown): unknown {
  return typeof metatype === 'function' ? metatype.prototype : undefined;
}

import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { backgroundMethodsOf } from '../decorators/noted-method.js';
import { attachRuntime, RUNTIME } from '../decorators/runtime-injection.js';
import { isDataSource } from '../tracker/typeorm/data-source-like.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';

/** Finds the decorated methods of the application, so that two of one name are an error at start. */
@Injectable()
export class JobExplorer implements OnModuleInit, OnApplicationBootstrap {
  readonly #wrappers = new Map<Function, InstanceWrapper>();

  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** @throws DuplicateJobNameError */
  async onModuleInit(): Promise<void> {
    const dataSources = new Map<string, object>();
    for (const { name, providers, controllers } of this.modules.values()) {
      for (const wrapper of [...providers.values(), ...controllers.values()]) {
        this.#explore(wrapper, name);
        noteDataSource(wrapper.instance, dataSources);
      }
    }
    await this.runtime.settings.tracker.connect?.(dataSources);
  }

  /** Only now may jobs run that are left from an earlier process: the other providers are ready. */
  onApplicationBootstrap(): void {
    this.runtime.recovery.begin((owner) => this.#instanceOf(owner));
  }

  #explore(wrapper: InstanceWrapper, moduleName: string): void {
    const instance: unknown = wrapper.instance ?? prototypeOf(wrapper.metatype);
    if (typeof instance !== 'object' || instance === null) return;
    const owner = instance.constructor;
    if (typeof owner !== 'function') return;
    const methods = backgroundMethodsOf(owner);
    if (methods.size === 0) return;
    this.#wrappers.set(owner, wrapper);
    for (const noted of methods.values()) this.runtime.registry.register(owner, noted, moduleName);
    // A factory of the user's made it, so Nest injected nothing; it belongs to the application all the same.
    if (instance !== owner.prototype) attachRuntime(instance, this.runtime);
  }

  /** One of its own where it belongs to a request: a job that is run again has none. */
  async #instanceOf(owner: Function): Promise<unknown> {
    const wrapper = this.#wrappers.get(owner);
    if (wrapper?.isDependencyTreeStatic() && !wrapper.isTransient) return wrapper.instance;
    return this.moduleRef.resolve(wrapper?.token ?? owner, undefined, { strict: false });
  }
}

/** DataSources of TypeORM by shape, since the package works without it; by the names that TypeOrmModule knows. */
function noteDataSource(instance: unknown, dataSources: Map<string, object>): void {
  if (!isDataSource(instance) || [...dataSources.values()].includes(instance)) return;
  const name = instance.options.name ?? instance.name ?? 'default';
  dataSources.set(name, instance);
}

function prototypeOf(metatype: unknown): unknown {
  return typeof metatype === 'function' ? metatype.prototype : undefined;
}

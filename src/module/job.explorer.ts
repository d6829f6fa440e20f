import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { backgroundMethodsOf } from '../registry/noted-method.js';
import { attachRuntime, RUNTIME } from '../decorators/runtime-injection.js';
import type { BackgroundMethod } from '../registry/job-registry.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import { dataSourcesOf } from './data-sources.js';

/** Finds the decorated methods of the application, so that two of one name are an error at start. */
@Injectable()
export class JobExplorer implements OnModuleInit {
  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly modules: ModulesContainer,
  ) {}

  /** @throws DuplicateJobNameError */
  onModuleInit(): void {
    this.runtime.transactions.connect(dataSourcesOf(this.modules));
    for (const { name, providers, controllers } of this.modules.values()) {
      for (const wrapper of [...providers.values(), ...controllers.values()]) {
        this.#explore(wrapper.instance ?? prototypeOf(wrapper.metatype), name);
      }
    }
  }

  #explore(instance: unknown, moduleName: string): void {
    if (typeof instance !== 'object' || instance === null) return;
    const owner = instance.constructor;
    if (typeof owner !== 'function') return;
    const methods = backgroundMethodsOf(owner);
    if (methods.size === 0) return;
    for (const noted of methods.values()) this.#register(owner, noted, moduleName);
    // A factory of the user's made it, so Nest injected nothing; it belongs to the application all the same.
    if (instance !== owner.prototype) attachRuntime(instance, this.runtime);
  }

  #register(owner: Function, noted: BackgroundMethod, moduleName: string): void {
    const { registry, transactions } = this.runtime;
    registry.register(owner, noted, moduleName);
    transactions.check(registry.definitionOf(owner, noted));
  }
}

function prototypeOf(metatype: unknown): unknown {
  return typeof metatype === 'function' ? metatype.prototype : undefined;
}

import type { INestApplicationContext, Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { currentScope } from '../../context/scope.js';
import { ThreadError } from '../../errors/thread.errors.js';
import { captureConsole } from '../../output/console-capture.js';
import type { JobMethod } from '../../registry/job-definition.js';
import { notedMethodOf } from '../../registry/noted-method.js';
import { RUNTIME } from '../../registry/runtime-token.js';
import type { ThreadRuntime } from './thread-scope.js';

export interface ThreadMethod {
  readonly target: object;
  readonly method: JobMethod;
}

type Bootstrap = () => unknown;
type Methods = Record<string, unknown>;

/** The application of a thread, made when its first job comes. */
export class ThreadApp {
  #context: Promise<INestApplicationContext> | undefined;

  constructor(private readonly url: string) {}

  /** What a job runs: the method itself, on the instance that this thread's application has. @throws ThreadError */
  async methodOf(owner: string, key: string): Promise<ThreadMethod> {
    const context = await this.#started();
    for (const { providers, controllers } of context.get(ModulesContainer).values()) {
      for (const { metatype, token, name } of [...providers.values(), ...controllers.values()]) {
        if (name !== owner || typeof metatype !== 'function') continue;
        const standIn = (metatype.prototype as Methods | undefined)?.[key];
        if (typeof standIn !== 'function') continue;
        const target = await context.resolve<object>(token, undefined, { strict: false });
        return { target, method: notedMethodOf(standIn)?.method ?? (standIn as JobMethod) };
      }
    }
    throw new ThreadError(
      this.url,
      `its application has no provider ${owner} with a method ${key}(). Import the module that provides it.`,
    );
  }

  /** The runtime of the application, for what its jobs put into the background. */
  async runtime(): Promise<ThreadRuntime> {
    return (await this.#started()).get<ThreadRuntime>(RUNTIME, { strict: false });
  }

  async close(): Promise<void> {
    await (await this.#context)?.close();
  }

  /** Where it fails, the next job tries again: a database may be back by then. */
  #started(): Promise<INestApplicationContext> {
    this.#context ??= start(this.url).catch((error: unknown) => {
      this.#context = undefined;
      const { message } = error as Error;
      throw error instanceof ThreadError ? error : new ThreadError(this.url, message, error);
    });
    return this.#context;
  }
}

async function start(url: string): Promise<INestApplicationContext> {
  const exported = bootstrapIn((await import(url)) as Methods);
  if (!exported) {
    throw new ThreadError(
      url,
      'it exports no function. Export one that gives the application, or its module class.',
    );
  }
  const made: unknown = isClass(exported) ? exported : await exported();
  const context = typeof made === 'function' ? await contextOf(made as Type) : made;
  if (!isContext(context)) {
    throw new ThreadError(
      url,
      'its function gave neither an application context nor a module class.',
    );
  }
  captureConsole(currentScope);
  return context;
}

function contextOf(module: Type): Promise<INestApplicationContext> {
  // Else Nest would end the process for an error at start.
  return NestFactory.createApplicationContext(module, {
    abortOnError: false,
    logger: ['warn', 'error'],
  });
}

/** The default export, else the first function; modules of either kind. */
function bootstrapIn(module: Methods): Bootstrap | undefined {
  const inner = (module.default as Methods | undefined)?.default;
  const candidates = [inner, module.default, ...Object.values(module)];
  return candidates.find((candidate) => typeof candidate === 'function') as Bootstrap | undefined;
}

function isClass(candidate: Function): boolean {
  return /^class\b/.test(Function.prototype.toString.call(candidate));
}

function isContext(made: unknown): made is INestApplicationContext {
  const { get, close } = Object(made) as Partial<INestApplicationContext>;
  return typeof get === 'function' && typeof close === 'function';
}

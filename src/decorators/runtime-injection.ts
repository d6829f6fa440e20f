import { Inject } from '@nestjs/common';
import { BackgroundError } from '../errors/background.error.js';
import { REMEDY, RUNTIME } from '../registry/runtime-token.js';
import { embeddedRuntime } from '../runtime/embedded-runtime.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';

export { RUNTIME };

/** The hidden property of instances that have decorated methods. */
const PROPERTY = Symbol(`@Background(): ${REMEDY}`);

type Holder = { [PROPERTY]?: BackgroundRuntime };

/** Has Nest give the runtime of its application to every instance that it makes of the class. */
export function injectRuntime(prototype: object): void {
  if (PROPERTY in prototype) return;
  Object.defineProperty(prototype, PROPERTY, {
    configurable: true,
    set(this: object, runtime: BackgroundRuntime) {
      attachRuntime(this, runtime);
    },
  });
  Inject(RUNTIME)(prototype, PROPERTY);
}

/**
 * Gives an instance its runtime, in a property that neither loops nor logs come across. It keeps the one it has, unless
 * that application is closed: tests give one object to one application after the other.
 */
export function attachRuntime(instance: object, runtime: BackgroundRuntime): void {
  const known = Object.hasOwn(instance, PROPERTY) ? attachedRuntime(instance) : undefined;
  if (known && !known.isClosed) return;
  if (!Object.isExtensible(instance)) throw frozen(instance);
  Object.defineProperty(instance, PROPERTY, { value: runtime, configurable: true });
}

/** The runtime of the application that made the instance. */
export function attachedRuntime(instance: object): BackgroundRuntime | undefined {
  return (instance as Holder)[PROPERTY];
}

/** The same, or the embedded default for an instance that no application made. */
export function runtimeOf(instance: object): BackgroundRuntime {
  return attachedRuntime(instance) ?? embeddedRuntime();
}

function frozen(instance: object): BackgroundError {
  const { name } = instance.constructor;
  return new BackgroundError(
    `An instance of ${name} has methods under @Background(), and was frozen before the application was given it, which ` +
      `has to note on it where its jobs run. Do not freeze it, or let Nest make it: { provide: ${name}, useClass: ${name} }.`,
  );
}

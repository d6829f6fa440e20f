import { currentScope } from '../context/scope.js';
import { BackgroundRuntime } from './background-runtime.js';
import { readOptions } from './runtime-options.js';

let embedded: BackgroundRuntime | undefined;

/** For code outside of every application, such as a plain script: in memory, with all defaults, made on first use. */
export function embeddedRuntime(): BackgroundRuntime {
  if (embedded) return embedded;
  embedded = new BackgroundRuntime(readOptions());
  void embedded.open();
  return embedded;
}

/** The application whose job or handler is running here, else the embedded default. */
export function ambientRuntime(): BackgroundRuntime {
  return (currentScope()?.runtime as BackgroundRuntime | undefined) ?? embeddedRuntime();
}

import { aFlag, aFunction, anObjectOf, checkOptions } from '../errors/check-options.js';
import { methodOf } from './method-of.js';
import { markRoute, type BackgrounderOptions } from './route-door.js';

const RULES = {
  owner: aFunction,
  cancel: aFlag,
  render: aFunction,
  expose: anObjectOf({ result: aFlag, message: aFlag, stack: aFlag }),
};

/**
 * The handler answers at once with a redirect to its own URL plus `?_t=<id>`, where the job that it started is
 * watched; API clients get 202 and the job as JSON. A handler that starts no job answers as it would without.
 * (web.py's `backgrounder`.)
 *
 * @example
 * ```ts
 * @Backgrounder()
 * @Get(':id/build')
 * build(@Param('id', ParseIntPipe) id: number) {
 *   print('Started', new Date().toISOString());
 *   this.reports.build(id);
 * }
 * ```
 */
export function Backgrounder(options: BackgrounderOptions = {}): MethodDecorator {
  return (prototype, key, descriptor) => {
    const where = `@Backgrounder() on ${prototype.constructor.name}.${String(key)}`;
    checkOptions(where, options, RULES);
    markRoute(methodOf(descriptor, where), options);
  };
}

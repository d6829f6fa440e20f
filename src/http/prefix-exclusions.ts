import { METHOD_METADATA } from '@nestjs/common/constants.js';
import type { RequestMethod } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { companionsOf } from './companion.js';
import type { Route } from './route-path.js';

type Handlers = Record<string, Function>;

/** Where a handler goes without the global prefix, its companion does, whichever method the exclusion names. */
export function excludeCompanions(config: ApplicationConfig, companions: readonly Route[]): void {
  const { exclude = [] } = config.getGlobalPrefixOptions();
  for (const companion of companions) {
    const methods = startingMethods(companion);
    const excluded = exclude.find(
      ({ requestMethod, pathRegex }) =>
        methods.includes(requestMethod) && pathRegex.test(companion.path),
    );
    if (!excluded) continue;
    const pathRegex = exactly(companion);
    exclude.push({ ...excluded, requestMethod: companion.method, pathRegex });
  }
}

function startingMethods({ controller, key }: Route): RequestMethod[] {
  const handlers = controller.prototype as Handlers;
  return companionsOf(handlers[key]!)!.map(
    (name) => Reflect.getMetadata(METHOD_METADATA, handlers[name]!) as RequestMethod,
  );
}

/** Other routes that the exclusion would take in stay where they are. */
function exactly({ shape }: Route): RegExp {
  const parts = shape.split(/([:*])/).map((part) => {
    if (part === ':') return '[^/]+';
    return part === '*' ? '.*' : part.replace(/[^\w/-]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}/?$`, 'i');
}

import type { ExecutionContext } from '@nestjs/common';
import { routeOptionsOf, type BackgrounderOptions } from '../decorators/route-door.js';
import { companionsOf } from './companion.js';

/** A handler that starts jobs. */
export interface Starter {
  readonly name: string;
  readonly options: BackgrounderOptions;
}

export function starterOf(handler: Function): Starter {
  return { name: handler.name, options: routeOptionsOf(handler) ?? {} };
}

/** The handlers whose jobs are watched where the request has arrived. */
export function startersOf(context: ExecutionContext): Starter[] {
  const names = companionsOf(context.getHandler());
  if (!names) return [starterOf(context.getHandler())];
  const handlers = context.getClass().prototype as Record<string, Function>;
  return names.map((name) => starterOf(handlers[name]!));
}

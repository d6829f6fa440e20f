import type { ExecutionContext } from '@nestjs/common';
import {
  RESPONSE_PASSTHROUGH_METADATA,
  ROUTE_ARGS_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { companionsOf } from './companion.js';

const { RESPONSE, NEXT } = RouteParamtypes;
const TAKING = new RegExp(`^(${RESPONSE}|${NEXT}):`);

/** Whether the handler sends its response itself, by `@Res()` or `@Next()` or as a stream, so that Nest never replies. */
export function takesResponse(context: ExecutionContext): boolean {
  const handler = context.getHandler();
  if (companionsOf(handler)) return false;
  if (Reflect.hasMetadata(SSE_METADATA, handler)) return true;
  const prototype = context.getClass().prototype as object;
  const key = keyOf(prototype, handler);
  // What a mixin has copied is noted at its origin.
  const owners = [context.getClass(), prototype.constructor];
  return key === undefined || owners.some((owner) => isTaking(owner, key));
}

function isTaking(owner: Function, key: string): boolean {
  if (Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, owner, key)) return false;
  const args = Reflect.getMetadata(ROUTE_ARGS_METADATA, owner, key) as object | undefined;
  return Object.keys(args ?? {}).some((arg) => TAKING.test(arg));
}

/** Nest notes the parameters of a handler under the name of its property. */
function keyOf(prototype: object | null, handler: Function): string | undefined {
  if (!prototype) return undefined;
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const [key] = own.find(([, { value }]) => value === handler) ?? [];
  return key ?? keyOf(Reflect.getPrototypeOf(prototype), handler);
}

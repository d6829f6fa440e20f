import { Injectable, RequestMethod, type OnModuleInit, type Type } from '@nestjs/common';
import {
  HEADERS_METADATA,
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { isJobRoute, moveDoorLast, routeOptionsOf } from '../decorators/route-door.js';
import { RouteClashError } from '../errors/setup.errors.js';
import { companionOf, markCompanion } from './companion.js';
import { covers, nameOfHandler, routesOf, type Route } from './route-path.js';

/** What says how the handler itself answers; polls answer in their own way. */
const NOT_COPIED: readonly unknown[] = [
  ...[METHOD_METADATA, HTTP_CODE_METADATA, HEADERS_METADATA],
  ...[REDIRECT_METADATA, RENDER_METADATA, SSE_METADATA],
];

/** Where jobs are watched, and where they are cancelled. */
type Verb = RequestMethod.GET | RequestMethod.POST;

/**
 * Gives every handler that starts jobs on another method than GET a companion: a GET on the same path, with the same
 * guards and interceptors, at which its jobs are watched. Where they may be cancelled, the same with POST.
 */
@Injectable()
export class CompanionRoutes implements OnModuleInit {
  /** Nest makes providers before it registers routes, so this is the moment to add some. */
  constructor(private readonly modules: ModulesContainer) {
    for (const [controller] of this.#controllers()) addCompanions(controller);
  }

  /** By now the paths of modules are known too. @throws RouteClashError */
  onModuleInit(): void {
    const routes = this.#controllers().flatMap(([controller, module]) =>
      routesOf(controller, module),
    );
    for (const companion of routes.filter(isCompanion)) {
      const taken = routes.find((route) => isClash(companion, route));
      if (taken) throw clash(companion, taken);
    }
  }

  #controllers(): [controller: Type, module: Type][] {
    return [...this.modules.values()].flatMap(({ controllers, metatype }) =>
      [...controllers.values()].map((wrapper): [Type, Type] => [
        wrapper.metatype as Type,
        metatype,
      ]),
    );
  }
}

function addCompanions(controller: Type): void {
  const routes = routesOf(controller, undefined);
  for (const route of routes.filter(
    (route) => isJobRoute(handlerOf(route)) && !isCompanion(route),
  )) {
    moveDoorLast(handlerOf(route));
    const { cancel } = routeOptionsOf(handlerOf(route)) ?? {};
    if (!answers(RequestMethod.GET, route)) addCompanion(route, routes, RequestMethod.GET);
    if (cancel && !answers(RequestMethod.POST, route)) {
      addCompanion(route, routes, RequestMethod.POST);
    }
  }
}

/** Two applications in a process share the prototype: what one has added serves the other. */
function addCompanion(route: Route, routes: readonly Route[], verb: Verb): void {
  const prototype = route.controller.prototype as object;
  const key = `${route.key}${verb === RequestMethod.GET ? 'Job' : 'Cancel'}`;
  if (Object.hasOwn(prototype, key)) return;
  const value = companionFor(route, verb);
  const descriptor = { value, configurable: true, enumerable: false, writable: true };
  // Express takes the first route that fits: `GET /items/import` must come before `GET /items/:id`.
  const isCovered = routes.some((other) => answers(verb, other) && covers(other, route));
  if (isCovered) defineFirst(prototype, key, descriptor);
  else Object.defineProperty(prototype, key, descriptor);
}

function companionFor(route: Route, verb: Verb): Function {
  // Never called: the door before it answers every request.
  const companion = function (): void {};
  const handler = handlerOf(route);
  for (const key of Reflect.getMetadataKeys(handler)) {
    if (NOT_COPIED.includes(key)) continue;
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), companion);
  }
  Reflect.defineMetadata(METHOD_METADATA, verb, companion);
  markCompanion(companion, route.key);
  return companion;
}

function defineFirst(prototype: object, key: string, descriptor: PropertyDescriptor): void {
  const others = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  for (const [name] of others) Reflect.deleteProperty(prototype, name);
  Object.defineProperty(prototype, key, descriptor);
  for (const [name, other] of others) Object.defineProperty(prototype, name, other);
}

function handlerOf({ controller, key }: Route): Function {
  return (controller.prototype as Record<string, Function>)[key]!;
}

function isCompanion(route: Route): boolean {
  return companionOf(handlerOf(route)) !== undefined;
}

function answers(verb: RequestMethod, { method }: Route): boolean {
  return method === verb || method === RequestMethod.ALL;
}

function isClash(companion: Route, route: Route): boolean {
  const isOther = route.controller !== companion.controller || route.key !== companion.key;
  if (!answers(companion.method, route)) return false;
  return isOther && route.realm === companion.realm && route.shape === companion.shape;
}

function clash(companion: Route, taken: Route): RouteClashError {
  const watched = companionOf(handlerOf(companion))!;
  return new RouteClashError(
    nameOfHandler({ ...companion, key: watched }),
    nameOfHandler({ ...taken, key: companionOf(handlerOf(taken)) ?? taken.key }),
    companion.path,
    companion.method === RequestMethod.GET ? 'watched at GET' : 'cancelled at POST',
  );
}

import { Injectable, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, SSE_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { isJobRoute, moveDoorLast, routeOptionsOf } from '../decorators/route-door.js';
import { RouteClashError, SseRouteError } from '../errors/setup.errors.js';
import { companionsOf, copyRules, haveSameRules, markCompanion } from './companion.js';
import { excludeCompanions } from './prefix-exclusions.js';
import { covers, meet, modulePathOf, nameOfHandler, routesOf, type Route } from './route-path.js';
import { versioned } from './route-versions.js';

/** Where jobs are watched, and where they are cancelled. */
type Verb = RequestMethod.GET | RequestMethod.POST;

/**
 * Gives every handler that starts jobs on another method than GET a companion: a GET on the same path, with the same
 * guards and interceptors, at which its jobs are watched. Where they may be cancelled, the same with POST.
 */
@Injectable()
export class CompanionRoutes {
  /** Nest makes providers before it registers routes, so this is the moment to add some. */
  constructor(
    private readonly modules: ModulesContainer,
    private readonly host: HttpAdapterHost,
    private readonly config: ApplicationConfig,
  ) {
    for (const { controllers } of modules.values()) {
      for (const { metatype } of controllers.values()) addCompanions(metatype as Type);
    }
  }

  /** To be called when the paths of modules are known, and before routes are registered. @throws RouteClashError, SseRouteError */
  check(): void {
    const routes = this.#routes();
    const streaming = routes.find((route) => isJobRoute(handlerOf(route)) && isSse(route));
    if (streaming) throw new SseRouteError(nameOfHandler(streaming));
    excludeCompanions(this.config, routes.filter(isCompanion));
    for (const verb of [RequestMethod.GET, RequestMethod.POST] as const) {
      this.#checkVerb(routes.filter((route) => answers(verb, route)));
    }
  }

  #checkVerb(routes: readonly Route[]): void {
    for (const [index, companion] of routes.entries()) {
      if (!isCompanion(companion)) continue;
      const same = routes.find((route) => isClash(companion, route));
      if (same) throw clash(companion, same);
      if (this.#firstWins()) checkOrder(companion, routes.slice(0, index), routes.slice(index + 1));
    }
  }

  #routes(): Route[] {
    const { applicationId } = this.modules;
    const routes = [...this.modules.values()].flatMap(({ controllers, metatype }) =>
      [...controllers.values()].flatMap((wrapper) =>
        routesOf(wrapper.metatype as Type, modulePathOf(metatype, applicationId)),
      ),
    );
    return routes.map((route) => versioned(route, this.config.getVersioning()));
  }

  /** Express takes the first route that fits; Fastify, and Nest if told so, the one that fits best. */
  #firstWins(): boolean {
    const isSorted = this.config.getRouteResolutionStrategy?.() === 'specificity';
    return this.host.httpAdapter.getType() === 'express' && !isSorted;
  }
}

function addCompanions(controller: Type): void {
  for (const route of routesOf(controller).filter((route) => isJobRoute(handlerOf(route)))) {
    if (isCompanion(route)) continue;
    const handler = handlerOf(route);
    moveDoorLast(handler);
    if (!answers(RequestMethod.GET, route)) addCompanion(route, RequestMethod.GET);
    const { cancel } = routeOptionsOf(handler) ?? {};
    if (cancel && !answers(RequestMethod.POST, route)) addCompanion(route, RequestMethod.POST);
  }
}

/** Two applications in a process share the prototype: what one has added serves the other. */
function addCompanion(route: Route, verb: Verb): void {
  const prototype = route.controller.prototype as object;
  const key = `${route.key}${verb === RequestMethod.GET ? '$job' : '$cancel'}`;
  if (Object.hasOwn(prototype, key)) return;
  const shared = routesOf(route.controller).find((other) => canServe(other, route, verb));
  if (shared) return markCompanion(handlerOf(shared), route.key);
  const value = companionFor(route, verb);
  // Where the first route that fits is taken, `GET /items/import` must come before `GET /items/:id`.
  const wider = routesOf(route.controller).find(
    (other) => answers(verb, other) && covers(other, route),
  );
  const descriptor = { value, configurable: true, enumerable: false, writable: true };
  defineBefore(wider?.key, prototype, key, descriptor);
}

/** Whether it is a companion on the same path that another handler has already, under the same guards and interceptors. */
function canServe(companion: Route, route: Route, verb: Verb): boolean {
  const isThere = isCompanion(companion) && companion.method === verb;
  if (!isThere || companion.path !== route.path || !meet(companion, route)) return false;
  return haveSameRules(handlerOf(companion), handlerOf(route));
}

function companionFor(route: Route, verb: Verb): Function {
  // Never called: the door before it answers every request.
  const companion = function (): void {};
  const handler = handlerOf(route);
  copyRules(handler, companion);
  Reflect.defineMetadata(METHOD_METADATA, verb, companion);
  // Guards may decide by it.
  Object.defineProperty(companion, 'name', { value: handler.name, configurable: true });
  markCompanion(companion, route.key);
  return companion;
}

/** Nest registers routes in the order of the prototype's properties, and inherited ones after them. */
function defineBefore(
  next: string | undefined,
  prototype: object,
  key: string,
  descriptor: PropertyDescriptor,
): void {
  const names = Object.keys(Object.getOwnPropertyDescriptors(prototype));
  const later = next && names.includes(next) ? names.slice(names.indexOf(next)) : [];
  const moved = later.map(
    (name) => [name, Reflect.getOwnPropertyDescriptor(prototype, name)!] as const,
  );
  for (const name of later) Reflect.deleteProperty(prototype, name);
  Object.defineProperty(prototype, key, descriptor);
  for (const [name, other] of moved) Object.defineProperty(prototype, name, other);
}

function handlerOf({ controller, key }: Route): Function {
  return (controller.prototype as Record<string, Function>)[key]!;
}

function isCompanion(route: Route): boolean {
  return companionsOf(handlerOf(route)) !== undefined;
}

/** Nest writes whatever such a handler comes to as events, ours too. */
function isSse(route: Route): boolean {
  return Reflect.hasMetadata(SSE_METADATA, handlerOf(route));
}

function answers(verb: RequestMethod, { method }: Route): boolean {
  return method === verb || method === RequestMethod.ALL;
}

function isClash(companion: Route, route: Route): boolean {
  const isOther = route.controller !== companion.controller || route.key !== companion.key;
  return isOther && meet(route, companion) && route.shape === companion.shape;
}

/** No earlier route may take what is meant for the companion, nor the companion all that is meant for a later one. */
function checkOrder(companion: Route, earlier: readonly Route[], later: readonly Route[]): void {
  const taken =
    earlier.find((route) => meet(route, companion) && covers(route, companion)) ??
    later.find((route) => meet(route, companion) && hides(companion, route));
  if (taken) throw clash(companion, taken);
}

/** A route for whatever comes may stand behind it: that gets the rest. */
function hides(companion: Route, route: Route): boolean {
  const isForTheRest = route.shape.endsWith('*') && !companion.shape.endsWith('*');
  return !isForTheRest && covers(companion, route);
}

function clash(companion: Route, taken: Route): RouteClashError {
  const [watched] = companionsOf(handlerOf(companion))!;
  return new RouteClashError(
    nameOfHandler({ ...companion, key: watched! }),
    nameOfHandler({ ...taken, key: companionsOf(handlerOf(taken))?.[0] ?? taken.key }),
    companion.path,
    companion.method === RequestMethod.GET ? 'watched at GET' : 'cancelled at POST',
  );
}

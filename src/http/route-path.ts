import { type RequestMethod, type Type } from '@nestjs/common';
import {
  HOST_METADATA,
  METHOD_METADATA,
  MODULE_PATH,
  PATH_METADATA,
  VERSION_METADATA,
} from '@nestjs/common/constants.js';

/** In the place of versions: requests of all. */
export const ANY_VERSION = Symbol('any version');

/** A handler of a controller, and one of its paths. */
export interface Route {
  readonly controller: Type;
  readonly key: string;
  readonly method: RequestMethod;
  /** Without parameter names: `/reports/:/build`, `/files/*`. */
  readonly shape: string;
  /** As it was written. */
  readonly path: string;
  readonly host: string | undefined;
  readonly versions: readonly unknown[];
}

/** Every route of a controller, one for each of its paths, in the order in which Nest registers them. */
export function routesOf(controller: Type, modulePath?: string): Route[] {
  return methodNames(controller.prototype as object).flatMap((key) =>
    routesOfHandler(controller, modulePath, key),
  );
}

/** Where `RouterModule` puts the routes of a module, in one application. */
export function modulePathOf(module: Type, applicationId: string): string | undefined {
  return (Reflect.getMetadata(MODULE_PATH + applicationId, module) ??
    Reflect.getMetadata(MODULE_PATH, module)) as string | undefined;
}

export function nameOfHandler({ controller, key }: Route): string {
  return `${controller.name}.${key}`;
}

/** Whether requests to `inner` would reach `outer`, if that came first. */
export function covers(outer: Route, inner: Route): boolean {
  const wide = outer.shape.split('/');
  const narrow = inner.shape.split('/');
  const rest = wide.indexOf('*');
  const fits = rest === -1 ? wide.length === narrow.length : narrow.length > rest;
  const named = rest === -1 ? wide : wide.slice(0, rest);
  return fits && named.every((segment, index) => segment === ':' || segment === narrow[index]);
}

/** Whether one request can be meant for both: routes of another host or version never meet. */
export function meet(one: Route, other: Route): boolean {
  const isForAll = [one, other].some(({ versions }) => versions.includes(ANY_VERSION));
  const inCommon = one.versions.some((version) => other.versions.includes(version));
  return one.host === other.host && (isForAll || inCommon);
}

/** The methods of a prototype and of those it inherits from, as Nest finds them. */
function methodNames(prototype: object): string[] {
  const names = new Set<string>();
  for (let own = prototype; own !== Object.prototype; own = Reflect.getPrototypeOf(own)!) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(own))) {
      if (name !== 'constructor' && typeof value === 'function') names.add(name);
    }
  }
  return [...names];
}

function routesOfHandler(controller: Type, modulePath: string | undefined, key: string): Route[] {
  const handler = (controller.prototype as Record<string, Function>)[key]!;
  const method: unknown = Reflect.getMetadata(METHOD_METADATA, handler);
  if (typeof method !== 'number') return [];
  const host = hostOf(Reflect.getMetadata(HOST_METADATA, controller));
  const versions = [
    Reflect.getMetadata(VERSION_METADATA, handler) ??
      Reflect.getMetadata(VERSION_METADATA, controller),
  ].flat() as unknown[];
  return pathsOf(controller, modulePath, handler).map((path) => ({
    ...{ controller, key, method, path, host, versions },
    shape: shapeOf(path),
  }));
}

/** One host or several, each a text or a RegExp, of which JSON alone would leave nothing. */
function hostOf(metadata: unknown): string | undefined {
  return JSON.stringify(metadata, (_key, part: unknown) =>
    part instanceof RegExp ? String(part) : part,
  );
}

function shapeOf(path: string): string {
  return path.replace(/:\w+/g, ':').replace(/\{?\/?\*[^/]*$/, '/*');
}

function pathsOf(controller: Type, modulePath: string | undefined, handler: Function): string[] {
  const parts = [
    textsOf(modulePath),
    textsOf(Reflect.getMetadata(PATH_METADATA, controller)),
    textsOf(Reflect.getMetadata(PATH_METADATA, handler)),
  ];
  return parts.reduce((paths, next) =>
    paths.flatMap((path) => next.map((part) => join(path, part))),
  );
}

function join(path: string, part: string): string {
  return `/${path}/${part}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
}

function textsOf(metadata: unknown): string[] {
  return Array.isArray(metadata)
    ? (metadata as string[])
    : [(metadata as string | undefined) ?? ''];
}

import { type RequestMethod, type Type } from '@nestjs/common';
import {
  HOST_METADATA,
  METHOD_METADATA,
  MODULE_PATH,
  PATH_METADATA,
  VERSION_METADATA,
} from '@nestjs/common/constants.js';

/** A handler of a controller, and one of its paths. */
export interface Route {
  readonly controller: Type;
  readonly key: string;
  readonly method: RequestMethod;
  /** Without parameter names: `/reports/:/build`. */
  readonly shape: string;
  /** As it was written. */
  readonly path: string;
  /** Routes of another host or version never meet. */
  readonly realm: string;
}

/** Every route of a controller, one for each of its paths. */
export function routesOf(controller: Type, module: Type | undefined): Route[] {
  return methodNames(controller.prototype as object).flatMap((key) =>
    routesOfHandler(controller, module, key),
  );
}

export function nameOfHandler({ controller, key }: Route): string {
  return `${controller.name}.${key}`;
}

/** Whether requests to `inner` would reach `outer`, if that came first. */
export function covers(outer: Route, inner: Route): boolean {
  const wide = outer.shape.split('/');
  const narrow = inner.shape.split('/');
  return (
    wide.length === narrow.length &&
    wide.every((segment, index) => segment === ':' || segment === narrow[index])
  );
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

function routesOfHandler(controller: Type, module: Type | undefined, key: string): Route[] {
  const handler = (controller.prototype as Record<string, Function>)[key]!;
  const method: unknown = Reflect.getMetadata(METHOD_METADATA, handler);
  if (typeof method !== 'number') return [];
  const version: unknown =
    Reflect.getMetadata(VERSION_METADATA, handler) ??
    Reflect.getMetadata(VERSION_METADATA, controller);
  const realm = JSON.stringify([Reflect.getMetadata(HOST_METADATA, controller), String(version)]);
  return pathsOf(controller, module, handler).map((path) => ({
    ...{ controller, key, method, path, realm },
    shape: path.replace(/:[^/]+/g, ':'),
  }));
}

function pathsOf(controller: Type, module: Type | undefined, handler: Function): string[] {
  const parts = [
    module ? textsOf(Reflect.getMetadata(MODULE_PATH, module)) : [''],
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

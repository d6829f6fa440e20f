import { isDeepStrictEqual } from 'node:util';
import {
  HEADERS_METADATA,
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';

const COMPANION = 'nestjs-background:companions-of';

/** What `@RouteSchema()` notes: a GET with the schema of a body is an error of Fastify's. */
const FASTIFY_SCHEMA = '__fastify_route_schema__';

/** What says how the handler itself is asked and answers; polls do in their own way. */
const NOT_COPIED: readonly unknown[] = [
  ...[METHOD_METADATA, HTTP_CODE_METADATA, HEADERS_METADATA, FASTIFY_SCHEMA],
  ...[REDIRECT_METADATA, RENDER_METADATA, SSE_METADATA],
];

/** What `@nestjs/swagger` notes of the handler itself: for a GET, a body would be no valid operation. */
const DOCUMENTATION = /^swagger\//;

/** Where `@nestjs/swagger` notes what is not to be in the document. */
const UNDOCUMENTED = 'swagger/apiExcludeEndpoint';

/** What guards and interceptors do not go by: options of ours, types. */
const OF_NO_ACCOUNT = /^(nestjs-background:|design:)/;

/** Marks a handler as one at which jobs of another one (POST, say) are watched; it may be several. */
export function markCompanion(handler: Function, of: string): void {
  const names = companionsOf(handler) ?? [];
  if (!names.includes(of)) Reflect.defineMetadata(COMPANION, [...names, of], handler);
}

/** The names of the handlers whose jobs are watched here; `undefined` for an ordinary handler. */
export function companionsOf(handler: Function): readonly string[] | undefined {
  return Reflect.getMetadata(COMPANION, handler) as string[] | undefined;
}

/** Has guards and interceptors do at the companion as they do at the handler. */
export function copyRules(handler: Function, companion: Function): void {
  for (const [key, value] of rulesOf(handler)) Reflect.defineMetadata(key, value, companion);
  Reflect.defineMetadata(UNDOCUMENTED, { disable: true }, companion);
}

/** Whether guards and interceptors cannot tell the two apart, so that a companion of one can serve the other too. */
export function haveSameRules(one: Function, other: Function): boolean {
  const telling = (handler: Function): unknown =>
    new Map([...rulesOf(handler)].filter(([key]) => !OF_NO_ACCOUNT.test(String(key))));
  return isDeepStrictEqual(telling(one), telling(other));
}

function rulesOf(handler: Function): Map<unknown, unknown> {
  const keys = (Reflect.getMetadataKeys(handler) as unknown[]).filter(
    (key) => !NOT_COPIED.includes(key) && !DOCUMENTATION.test(String(key)),
  );
  return new Map(keys.map((key) => [key, Reflect.getMetadata(key, handler) as unknown]));
}

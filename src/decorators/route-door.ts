import {
  Inject,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import type { Observable } from 'rxjs';

/** What `@Backgrounder()` takes. */
export interface BackgrounderOptions {
  /** Whose request it is, for the jobs of this route; default `http.owner` of `forRoot`. */
  owner?: (request: never) => string | undefined;
}

const ROUTE = 'nestjs-background:route';

/** The token of the interceptor that starts and shows jobs; the http folder has it. */
export const JOB_ROUTES = Symbol(
  'the routes of @Backgrounder(): add BackgroundModule.forRoot() to the imports of the root module',
);

/** Stands before a handler whose answer is a job. Decorators put it there; the application's own does the work. */
@Injectable()
export class RouteDoor implements NestInterceptor {
  constructor(@Inject(JOB_ROUTES) private readonly routes: NestInterceptor) {}

  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    return context.getType() === 'http' ? this.routes.intercept(context, next) : next.handle();
  }
}

/** Makes a handler one whose answer is a job. Without options, those that another decorator has noted stay. */
export function markRoute(handler: Function, options?: BackgrounderOptions): void {
  if (!isJobRoute(handler)) UseInterceptors(RouteDoor)(handler, '', { value: handler });
  Reflect.defineMetadata(ROUTE, options ?? routeOptionsOf(handler) ?? {}, handler);
}

export function isJobRoute(handler: Function): boolean {
  return Reflect.hasMetadata(ROUTE, handler);
}

export function routeOptionsOf(handler: Function): BackgrounderOptions | undefined {
  return Reflect.getMetadata(ROUTE, handler) as BackgrounderOptions | undefined;
}

/** Puts the door behind the handler's other interceptors, wherever its decorator stands, so that they see polls too. */
export function moveDoorLast(handler: Function): void {
  const interceptors = (Reflect.getMetadata(INTERCEPTORS_METADATA, handler) ?? []) as unknown[];
  const others = interceptors.filter((interceptor) => interceptor !== RouteDoor);
  Reflect.defineMetadata(INTERCEPTORS_METADATA, [...others, RouteDoor], handler);
}

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
import type { Job } from '../job/job.js';

/** What of a job leaves the process over HTTP. */
export interface ExposeOptions {
  /** What the method returned; default `true`. */
  result?: boolean;
  /** The message of the error that it threw; default `true`. */
  message?: boolean;
  /** The stack of that error; default `false`. */
  stack?: boolean;
}

/** What a page of the user's own is made of. Every text in it is untrusted: escape it. */
export interface JobView {
  job: Job;
  /** Whether nothing will change any more. */
  done: boolean;
  /** All output so far, as it was printed. */
  output: string;
  /** The jobs that this one has started, the first first. */
  children: Job[];
  /** The path and query of the page. */
  url: string;
  /** Where a POST cancels the job, if the route allows it and the job is not over. */
  cancelUrl?: string;
}

/** What `@Backgrounder()` takes. */
export interface BackgrounderOptions {
  /** Whose request it is, for the jobs of this route; default `http.owner` of `forRoot`. */
  owner?: (request: never) => string | undefined;
  /** Whether whoever may see a job may cancel it too: a button on its page, and a POST. Default `false`. */
  cancel?: boolean;
  /** The HTML of a page of your own, in the place of the live one. It gets a policy without scripts. */
  render?: (view: JobView) => string | Promise<string>;
  /** What is shown of results and errors. */
  expose?: ExposeOptions;
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
  Reflect.defineMetadata(ROUTE, { ...routeOptionsOf(handler), ...options }, handler);
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

import { setTimeout } from 'node:timers/promises';
import {
  BadGatewayException,
  RequestTimeoutException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { delay, from, map, mergeMap, race, tap, type Observable } from 'rxjs';
import { Latch } from './latch.js';

/** What Express’ response and Fastify’s reply have in common. */
export interface AnyResponse {
  header(name: string, value: string): void;
  status(code: number): { send(body: unknown): void };
}

/** Notes each request that it sees, and tries to change the body. */
export class Noting implements NestInterceptor {
  constructor(
    private readonly name: string,
    readonly seen: string[] = [],
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { method } = context.switchToHttp().getRequest<{ method: string }>();
    this.seen.push(`${this.name} ${method}`);
    return next.handle().pipe(map((data: unknown) => ({ data, changedBy: this.name })));
  }
}

/** As the documentation of Nest has it, but that the time comes when the test says so. */
export class Timeout implements NestInterceptor {
  readonly over = new Latch();

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const late = from(this.over.opened).pipe(
      map(() => {
        throw new RequestTimeoutException();
      }),
    );
    return race(next.handle(), late);
  }
}

/** Sets a header some time after the handler is through, as those that measure time or sign what they see do. */
export class HeaderAfter implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<AnyResponse>();
    return next.handle().pipe(
      delay(20),
      tap(() => response.header('X-Took', '20ms')),
    );
  }
}

/** Does something else before it hands the value on, as those that write a log do. */
export class SlowAfter implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      mergeMap(async (value: unknown) => {
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        return value;
      }),
    );
  }
}

/** Refuses after the fact, which it has to look up. */
export class RefusesAfter implements NestInterceptor {
  refuses = true;

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      mergeMap(async (value: unknown) => {
        await setTimeout(20);
        if (this.refuses) throw new BadGatewayException('refused afterwards');
        return value;
      }),
    );
  }
}

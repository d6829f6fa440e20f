import { timingSafeEqual } from 'node:crypto';
import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

interface Asking {
  headers: { authorization?: string };
}

/** What Express and Fastify have in common. */
interface Answering {
  header(name: string, value: string): unknown;
}

/** Whoever knows the password, under any name. The browser asks for it. */
@Injectable()
export class PasswordGuard implements CanActivate {
  readonly #password = process.env.PASSWORD ?? 'letmein';

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { authorization = '' } = http.getRequest<Asking>().headers;
    if (this.#isRight(passwordIn(authorization))) return true;
    http.getResponse<Answering>().header('WWW-Authenticate', 'Basic realm="jobs"');
    throw new UnauthorizedException();
  }

  #isRight(password: string): boolean {
    const [given, right] = [Buffer.from(password), Buffer.from(this.#password)];
    return given.length === right.length && timingSafeEqual(given, right);
  }
}

function passwordIn(authorization: string): string {
  const [, encoded = ''] = /^Basic (\S+)$/i.exec(authorization) ?? [];
  return Buffer.from(encoded, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
}

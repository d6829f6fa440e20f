import { NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { EngineUnavailableError } from '../errors/engine.errors.js';
import { JobInterruptedError, QueueFullError } from '../errors/job.errors.js';
import { TrackerUnavailableError } from '../errors/tracker.errors.js';
import { errorHeaders } from './answers.js';
import type { HttpDoor } from './http-door.js';

/** Answers what is full, away or about to end with 503, and when to try again; whatever else it is, is thrown on. */
export function refuse(door: HttpDoor, error: unknown): never {
  const isAway = error instanceof TrackerUnavailableError;
  const isFull = error instanceof QueueFullError || error instanceof EngineUnavailableError;
  const comesAgain = isAway || isFull;
  if (!comesAgain && !(error instanceof JobInterruptedError)) throw error;
  door.setHeaders(errorHeaders(comesAgain ? error.retryAfter : undefined));
  const what = isAway ? 'Jobs are out of reach' : 'No job can be accepted';
  throw new ServiceUnavailableException(`${what} now. Try again later.`, {
    cause: error,
  });
}

/** One and the same answer, whatever is wrong with the id or with who asks. */
export function noSuchJob(door: HttpDoor): never {
  door.setHeaders(errorHeaders());
  throw new NotFoundException('There is no such job here.');
}

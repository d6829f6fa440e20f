import { v7, validate, version } from 'uuid';

/** A new UUID v7: ordered by time, its random part from a cryptographic source, so neither guessable nor reused. */
export function newJobId(): string {
  return v7();
}

/** Whether a text that came from outside has the form of an id. */
export function isJobId(text: unknown): text is string {
  return typeof text === 'string' && validate(text) && version(text) === 7;
}

import { BackgroundError } from '../errors/background.error.js';
import { show } from '../errors/check-options.js';

/**
 * Whose request it is, as a tracker keeps it: users have numbers for ids, too.
 * @throws BackgroundError for what cannot be told from others, such as a promise.
 */
export function ownerFrom(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string') return given;
  if (typeof given === 'number' || typeof given === 'bigint') return String(given);
  throw new BackgroundError(
    `The owner of a request is ${show(given)}. Have { owner } return a text, such as the id of a user that a guard has noted on the request.`,
  );
}

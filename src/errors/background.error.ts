/** The base of every error of this library. The message names the remedy; `cause` holds what lies beneath. */
export class BackgroundError extends Error {
  override readonly name: string = 'BackgroundError';
}

/** What a `Prefer` header asks for (RFC 7240), as far as it concerns jobs. */
export interface Preferences {
  readonly respondAsync: boolean;
  /** For how many seconds the client would rather wait; as long as it may at most. */
  readonly wait: number | undefined;
}

/** A client that wants to wait for longer is told that this much was granted. */
export const LONGEST_WAIT = 60;

/** Reads a `Prefer` header; of a preference that is given twice the first counts. */
export function readPrefer(header: string | undefined): Preferences {
  const preferences = (header ?? '').split(/[,;]/).map((part) => part.trim().toLowerCase());
  const wait = preferences.find((preference) => /^wait\s*=/.test(preference));
  return { respondAsync: preferences.includes('respond-async'), wait: secondsOf(wait) };
}

function secondsOf(wait: string | undefined): number | undefined {
  const [, digits] = /^wait\s*=\s*"?(\d+)"?$/.exec(wait ?? '') ?? [];
  return Number(digits) > 0 ? Math.min(Number(digits), LONGEST_WAIT) : undefined;
}

/** The `Preference-Applied` header; none where nothing was asked for. */
export function appliedHeader({ respondAsync, wait }: Preferences): Record<string, string> {
  const applied = [...(respondAsync ? ['respond-async'] : []), ...(wait ? [`wait=${wait}`] : [])];
  return applied.length > 0 ? { 'preference-applied': applied.join(', ') } : {};
}

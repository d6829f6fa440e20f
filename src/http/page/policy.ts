import { randomBytes } from 'node:crypto';

/** For the one style sheet of one page. */
export function newNonce(): string {
  return randomBytes(16).toString('base64');
}

/** Nothing but the page's own style: no script at all, wherever it would come from. */
export function pagePolicy(nonce: string, hasForm: boolean): string {
  const form = hasForm ? "'self'" : "'none'";
  return [
    `default-src 'none'; style-src 'nonce-${nonce}'`,
    `base-uri 'none'; form-action ${form}; frame-ancestors 'none'`,
  ].join('; ');
}

/** For a page of the user's own: its style is theirs, scripts are none. */
export const OWN_PAGE_POLICY =
  "script-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

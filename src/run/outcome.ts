/** How an attempt came out: what the method gave, or what was thrown, by it or by the commit. */
export type Outcome = { readonly value: unknown } | { readonly thrown: unknown };

import ms, { type StringValue } from 'ms';

/** A number of milliseconds, or a text as the `ms` package reads it: `'250ms'`, `'10s'`, `'5m'`, `'1h'`, `'2 days'`. */
export type Duration = number | string;

/** Milliseconds, or `undefined` where the value is no duration: negative, NaN, infinite, an unknown unit. */
export function parseDuration(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? readText(value) : value;
  return typeof milliseconds === 'number' && Number.isFinite(milliseconds) && milliseconds >= 0
    ? milliseconds
    : undefined;
}

function readText(text: string): number | undefined {
  return text.length > 0 && text.length <= 100 ? ms(text as StringValue) : undefined;
}

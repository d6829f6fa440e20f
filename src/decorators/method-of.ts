import { BackgroundError } from '../errors/background.error.js';

/** The method that a decorator stands above, which JavaScript, unlike TypeScript, lets stand anywhere. @throws BackgroundError */
export function methodOf(
  descriptor: { readonly value?: unknown } | undefined,
  where: string,
): Function {
  const method = descriptor?.value;
  if (typeof method === 'function') return method;
  throw new BackgroundError(
    `${where} stands above no method. Put it above one: a getter, or a field that holds a function, is none.`,
  );
}

type Kept = Record<string, unknown> & { readonly name: string; readonly message: string };

/** The kinds of the language: any other is a class of the application's, of which nothing but the name is kept. */
const KINDS: readonly ErrorConstructor[] = [
  ...[EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError],
];

/** What of an error is stored: what a job that runs again may look at, such as its `code`, and no requests or sockets. */
export const errorCodec = {
  isApplicable: (value: unknown): value is Error => value instanceof Error,

  serialize(error: Error): Kept {
    const { name, message, stack } = error;
    const kept: Kept = {
      ...scalarsOf(error),
      name,
      message,
      ...(stack !== undefined && { stack }),
    };
    if ('cause' in error) kept['cause'] = error.cause;
    if (error instanceof AggregateError) kept['errors'] = error.errors;
    return kept;
  },

  deserialize({ name, message, stack, cause, errors, ...scalars }: Kept): Error {
    const error = Array.isArray(errors)
      ? new AggregateError(errors, message)
      : Reflect.construct<[string], Error>(Error, [message], kindOf(name));
    if (error.name !== name) hide(error, 'name', name);
    hide(error, 'stack', stack ?? `${name}: ${message}`);
    if (cause !== undefined) hide(error, 'cause', cause);
    return Object.assign(error, scalars);
  },
};

function scalarsOf(error: Error): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error).filter(([, value]) => isScalar(value)));
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

function kindOf(name: string): ErrorConstructor {
  return KINDS.find((kind) => kind.name === name) ?? Error;
}

/** As what an error has from its birth: no loop comes across it. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}

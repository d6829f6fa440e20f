/**
 * Of the system and of MySQL's driver; of PostgreSQL, class 08, the ends of its server, and that its session no longer
 * knows what was prepared in it: that session is another one.
 */
const CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN'],
  ...['ENETUNREACH', 'ENOENT', 'PROTOCOL_CONNECTION_LOST', 'ER_SERVER_SHUTDOWN', 'ECONNABORTED'],
  ...['ER_NEW_ABORTING_CONNECTION', 'ER_CONNECTION_KILLED', '57P01', '57P02', '57P03'],
  '26000',
]);
/** What drivers say without a code. */
const MESSAGES =
  /connection terminated|connection timeout|client was closed|not queryable|connection is in closed state|timeout exceeded when trying to connect/i;

interface Failure {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly driverError?: unknown;
  readonly errors?: readonly unknown[];
}

/**
 * Whether an error says that the database cannot be reached, or has cut the connection: what was not committed is undone,
 * and whether a COMMIT that was on its way has held is not known. That an idle session was ended on purpose is no such error.
 */
export function isConnectionLost(error: unknown): boolean {
  const { code, message, driverError, errors } = (error ?? {}) as Failure;
  if (typeof code === 'string' && (CODES.has(code) || /^08...$/.test(code))) return true;
  if (typeof message === 'string' && MESSAGES.test(message)) return true;
  return isConnectionLostWithin(driverError) || (errors?.some(isConnectionLost) ?? false);
}

function isConnectionLostWithin(driverError: unknown): boolean {
  return driverError !== undefined && isConnectionLost(driverError);
}

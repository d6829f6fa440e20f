import { findService, SERVICES } from './find-services.mjs';

/** Tells the tests where the services are, through the environment; fails where one is missing that must not be. */
export default async function setUp() {
  const { env } = process;
  const missing = (await Promise.all(SERVICES.map(place))).filter((reason) => reason !== undefined);
  env.MISSING_SERVICES = missing.join('\n');
  if (missing.length === 0 || (env.CI !== 'true' && env.REQUIRE_SERVICES !== '1')) return;
  throw new Error(
    `Nothing may be skipped here, and some services are missing.\n${env.MISSING_SERVICES}`,
  );
}

/**
 * @param {import('./find-services.mjs').Service} service
 * @returns {Promise<string | undefined>} why it is missing
 */
async function place(service) {
  const found = await findService(service, process.env[service.variable]);
  process.env[service.variable] = found.where ?? 'off';
  return found.missing;
}

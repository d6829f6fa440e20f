// Plain JavaScript, since Jest's global set-up runs before anything is transformed.
import { access, constants } from 'node:fs/promises';
import { startEmbeddedPostgres } from './embedded-postgres.mjs';

const PATIENCE = 3_000;

/**
 * @typedef {object} Service
 * @property {string} title as it stands in test names
 * @property {string} variable of the environment that says where it is; `off` is for nowhere
 * @property {string[]} usual where it is looked for if the variable says nothing
 * @property {(where: string) => Promise<unknown>} ask rejected where it does not answer
 * @property {() => Promise<string>} [start] brings one of our own, where there is none
 */

/** @type {readonly Service[]} */
export const SERVICES = [
  {
    title: 'PostgreSQL',
    variable: 'PG_URL',
    usual: ['postgres://postgres@127.0.0.1:5432/postgres'],
    ask: askPostgres,
    start: startEmbeddedPostgres,
  },
  {
    title: 'MariaDB or MySQL',
    variable: 'MYSQL_URL',
    usual: ['mysql://root@127.0.0.1:3306/'],
    ask: askMysql,
  },
  {
    title: 'Redis',
    variable: 'REDIS_URL',
    usual: ['redis://127.0.0.1:6379'],
    ask: askRedis,
  },
  {
    title: 'redis-server',
    variable: 'REDIS_SERVER',
    usual: ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map(
      (folder) => `${folder}/redis-server`,
    ),
    ask: (path) => access(path, constants.X_OK),
  },
  {
    title: 'Chromium',
    variable: 'CHROMIUM',
    usual: [
      // A browser without windows, which takes a third of the time.
      '/usr/bin/chromium-headless-shell',
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    ask: (path) => access(path, constants.X_OK),
  },
];

/**
 * Where a service is: as its variable says, at its usual place, or one of our own.
 * @param {Service} service
 * @param {string | undefined} told what the variable says
 * @returns {Promise<{ where?: string, missing?: string }>} where, or why it is missing
 */
export async function findService({ title, variable, usual, ask, start }, told) {
  if (told === 'off') return { missing: `${title}: ${variable} is off` };
  const reasons = [];
  for (const where of told ? [told] : usual) {
    try {
      await ask(where);
      return { where };
    } catch (error) {
      reasons.push(`${where} (${reasonOf(error)})`);
    }
  }
  // Whoever says where it is wants that one.
  if (told) throw new Error(`${title} does not answer at ${variable}, ${reasons[0]}.`);
  try {
    if (start) return { where: await start() };
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  return { missing: `${title}: set ${variable}; nothing at ${reasons.join(', ')}` };
}

/** @param {unknown} error */
function reasonOf(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code ?? message;
}

/** @param {string} connectionString */
async function askPostgres(connectionString) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: PATIENCE });
  await client.connect();
  await client.end();
}

/** @param {string} uri */
async function askMysql(uri) {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({ uri, connectTimeout: PATIENCE });
  await connection.end();
}

/** @param {string} url */
async function askRedis(url) {
  const { Redis } = await import('ioredis');
  const options = { lazyConnect: true, connectTimeout: PATIENCE, retryStrategy: () => null };
  const redis = new Redis(url, options);
  try {
    // Without a listener the client prints what we report ourselves.
    redis.on('error', () => {});
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

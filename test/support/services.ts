import { describe } from '@jest/globals';

type Body = (where: string) => void;

/** Tests that need a PostgreSQL; they are given its URL. Where there is none they are skipped, and the run says so. */
export const describeWithPostgres = describeWith('PG_URL', 'PostgreSQL');

/** The same for MariaDB or MySQL. The URL names no database: make one of your own. */
export const describeWithMysql = describeWith('MYSQL_URL', 'MariaDB or MySQL');

/** The same for Redis. */
export const describeWithRedis = describeWith('REDIS_URL', 'Redis');

/** The same for the program of Redis, of which a test may start and stop its own; given its path. */
export const describeWithRedisServer = describeWith('REDIS_SERVER', 'redis-server');

/** The same for Chromium; the tests are given the path of its program. */
export const describeWithChromium = describeWith('CHROMIUM', 'Chromium');

/** The global set-up has put into the variable where the service is, or `off`. */
function describeWith(variable: string, title: string): (name: string, body: Body) => void {
  return (name, body) => {
    const where = process.env[variable];
    const isThere = where !== undefined && where !== 'off';
    const declare = isThere ? describe : describe.skip;
    declare(isThere ? name : `${name} (needs ${title})`, () => body(where ?? 'off'));
  };
}

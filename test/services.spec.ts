import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findService } from './support/find-services.mjs';

const ALL_OFF = {
  PG_URL: 'off',
  MYSQL_URL: 'off',
  REDIS_URL: 'off',
  REDIS_SERVER: 'off',
  CHROMIUM: 'off',
};
const NOT_REQUIRED = { CI: '', REQUIRE_SERVICES: '' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'services-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the fixture in a Jest of its own. */
async function runFixture(env: Record<string, string>) {
  const countsFile = join(folder, 'counts.json');
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
  const child = spawn(
    process.execPath,
    [...jest, '--testMatch', '**/needs-a-service.fixture.ts', '--runInBand'],
    { env: { ...process.env, ...ALL_OFF, TEST_COUNTS: countsFile, ...env } },
  );
  const exited = once(child, 'exit') as Promise<[code: number]>;
  const [said, [code]] = await Promise.all([text(child.stderr), exited]);
  const counts = await readFile(countsFile, 'utf8').catch(() => 'null');
  await rm(countsFile, { force: true });
  return { said, code, counts: JSON.parse(counts) as unknown };
}

describe('A run of the tests', () => {
  it('skips what needs a service that is missing, and says which', async () => {
    const { said, code, counts } = await runFixture(NOT_REQUIRED);
    expect(counts).toEqual({ passed: 1, failed: 0, skipped: 1 });
    expect(said).toContain('A test that needs a service (needs PostgreSQL)');
    expect(said).toContain(
      'Not everything was tested. Skipped: 1 tests.\nPostgreSQL: PG_URL is off',
    );
    expect(code).toBe(0);
  });

  it.each([{ CI: 'true' }, { REQUIRE_SERVICES: '1' }])(
    'fails instead with %j',
    async (required) => {
      const { said, code } = await runFixture({ ...NOT_REQUIRED, ...required });
      expect(said).toContain('Nothing may be skipped here');
      expect(code).not.toBe(0);
    },
  );

  it('fails where a service does not answer at the place it was given', async () => {
    const { said, code } = await runFixture({ ...NOT_REQUIRED, CHROMIUM: join(folder, 'none') });
    expect(said).toContain('Chromium does not answer at CHROMIUM');
    expect(code).not.toBe(0);
  });
});

describe('A service', () => {
  const answersAt = (place: string) => async (where: string) => {
    if (where !== place) throw new Error('refused');
  };
  const service = { title: 'Service', variable: 'SERVICE', usual: ['here', 'there'] };

  it('is looked for at its usual places in turn', async () => {
    const found = await findService({ ...service, ask: answersAt('there') }, undefined);
    expect(found).toEqual({ where: 'there' });
  });

  it('is one of our own where there is none, if we have one', async () => {
    const start = async () => 'our own';
    expect(await findService({ ...service, ask: answersAt('x'), start }, '')).toEqual({
      where: 'our own',
    });
  });

  it('is missing where none can be had, with every reason', async () => {
    const start = () => Promise.reject(new Error('no binaries'));
    const { missing } = await findService({ ...service, ask: answersAt('x'), start }, undefined);
    expect(missing).toBe(
      'Service: set SERVICE; nothing at here (refused), there (refused), no binaries',
    );
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeaseRenewal } from '../../src/tracker/lease-renewal.js';
import { until } from '../support/until.js';

describe('The renewal of a lease', () => {
  let folder: string;
  let renewals: number;
  let warnings: string[];
  let renewal: LeaseRenewal | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'background-lease-'));
    renewals = 0;
    warnings = [];
  });

  afterEach(async () => {
    await renewal?.stop();
    rmSync(folder, { recursive: true });
  });

  /** `driver` is a module; its clients note each renewal in the file `renewed`. */
  async function start(ttl: number, driver: string): Promise<void> {
    const driverPath = join(folder, 'driver.cjs');
    writeFileSync(driverPath, driver);
    renewal = new LeaseRenewal({
      ttl,
      threadData: () =>
        Promise.resolve({
          ...{ kind: 'pg', driverPath, connection: { folder }, statement: 'renew', values: [] },
        }),
      renewHere: () => Promise.resolve(void (renewals += 1)),
      warn: (message) => warnings.push(message),
    });
    await renewal.start();
  }

  const DRIVER = `
    const { writeFileSync } = require('node:fs');
    const { join } = require('node:path');
    writeFileSync(join(__dirname, 'loaded'), '');
    exports.Client = class {
      on() {}
      async connect() {}
      async query(statement) { writeFileSync(join(__dirname, 'renewed'), statement); }
      async end() { writeFileSync(join(__dirname, 'ended'), ''); }
    };`;
  const has = (file: string): boolean => existsSync(join(folder, file));

  it('is done by a thread, whose connection is ended with it', async () => {
    await start(300, DRIVER);
    await until(() => has('renewed'));
    await renewal!.stop();
    expect(has('ended')).toBe(true);
    expect([renewals, warnings]).toEqual([1, []]);
  });

  it('keeps no start and no end waiting for a driver that is not needed yet', async () => {
    await start(60_000, DRIVER);
    await renewal!.stop();
    expect(has('loaded')).toBe(false);
  });

  it('goes on in the main thread where the driver cannot be loaded, and says why', async () => {
    await start(300, 'throw new Error("no such driver here")');
    await until(() => renewals > 2);
    expect(warnings).toEqual([expect.stringContaining('no such driver here')]);
  });
});

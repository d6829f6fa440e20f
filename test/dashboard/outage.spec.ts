import { describe, expect, it } from '@jest/globals';
import { memoryTracker, TrackerUnavailableError } from '../../src/index.js';
import { startDashboard } from '../support/dashboard.js';
import { failOnLeaks } from '../support/leaks.js';
import { PLATFORMS } from '../support/test-app.js';

failOnLeaks();

describe.each(PLATFORMS)('While jobs are out of reach, on %s', (platform) => {
  it('the dashboard says so, and when to try again', async () => {
    const tracker = memoryTracker();
    await using app = await startDashboard({ platform, background: { tracker } });
    const away = (): never => {
      throw new TrackerUnavailableError('The store');
    };
    Object.assign(tracker, { list: away, find: away });
    const id = '019a0000-0000-7000-8000-000000000000';
    for (const [method, path] of [
      ['GET', '/jobs'],
      ['GET', `/jobs?_t=${id}`],
      ['POST', `/jobs?_cancel=${id}`],
    ] as const) {
      const answer = await app.fetch(path, { method });
      expect([path, answer.status]).toEqual([path, 503]);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.text()).not.toContain('The store');
    }
  });

  it('a failure of the dashboard itself shows nothing of where it happened', async () => {
    const tracker = memoryTracker();
    await using app = await startDashboard({ platform, background: { tracker } });
    Object.assign(tracker, { counts: () => Promise.reject(new Error('secret path')) });
    const answer = await app.fetch('/jobs');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
  });
});

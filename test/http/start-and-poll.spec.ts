import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { Demo, DemoController } from '../support/demo.js';
import { until } from '../support/until.js';

afterEach(closeApps);

const DEMO = { controllers: [DemoController], providers: [Demo] };
const HEAD = 'Started\nhit f5 to refresh!\n';

describe.each(PLATFORMS)('A handler under @Backgrounder() on %s', (platform) => {
  it('is answered with a redirect to its own URL plus the id, while the job still waits', async () => {
    await using app = await startApp({ ...DEMO, platform });
    const response = await app.fetch('/demo');
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(/^\/demo\?_t=[0-9a-f-]{36}$/);
    await until(() => app.get(Demo).starts === 1);
  });

  it('shows what the handler printed first, then what the job prints, and the same for ever after', async () => {
    await using app = await startApp({ ...DEMO, platform });
    const location = (await app.fetch('/demo')).headers.get('location')!;
    const poll = async (): Promise<string> => (await app.fetch(location)).text();
    expect(await poll()).toBe(HEAD);
    const { latches } = app.get(Demo);
    latches.slice(0, 3).forEach((latch) => latch.open());
    await until(async () => (await poll()) === `${HEAD}0\n1\n2\n`);
    latches.forEach((latch) => latch.open());
    await until(async () => (await app.fetch(location)).headers.get('x-job-state') === 'completed');
    const whole = await poll();
    expect(whole.split('\n')).toHaveLength(13);
    expect(await poll()).toBe(whole);
  });
});

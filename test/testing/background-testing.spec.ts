import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { background, Background, BackgroundModule, BackgroundService } from '../../src/index.js';
import { BackgroundTesting, fakeClock, inlineEngine, leakGuard } from '../../src/testing/index.js';
import { Latch } from '../support/latch.js';
import { until } from '../support/until.js';

@Injectable()
class Reports {
  readonly built: number[] = [];
  readonly latch = new Latch();
  failures = 0;

  @Background()
  async build(id: number): Promise<number> {
    this.built.push(id);
    return id;
  }

  @Background({ delay: '1h' })
  async remind(id: number): Promise<void> {
    this.built.push(id);
  }

  @Background({ retries: { limit: 2, delay: '1h' } })
  async unlucky(): Promise<string> {
    this.failures += 1;
    if (this.failures < 3) throw new Error('not yet');
    return 'at last';
  }

  @Background()
  async hangs(): Promise<void> {
    await this.latch.opened;
  }
}

async function start(
  testing: BackgroundTesting,
): Promise<{ module: TestingModule; reports: Reports }> {
  const module = await Test.createTestingModule({
    imports: [testing.forRoot()],
    providers: [Reports],
  }).compile();
  await module.init();
  return { module, reports: module.get(Reports) };
}

describe('BackgroundTesting', () => {
  it('closes the application at once while jobs run', async () => {
    const testing = new BackgroundTesting();
    const { module, reports } = await start(testing);
    const job = reports.hangs().catch((error: Error) => error.name);
    await until(async () => (await module.get(BackgroundService).counts()).running === 1);
    await module.close();
    expect(await job).toBe('JobInterruptedError');
  });

  it('says which jobs were called, and with what', async () => {
    const testing = new BackgroundTesting();
    const { module, reports } = await start(testing);
    void reports.build(7);
    void background(reports).build(8);
    expect(testing.wasCalled('Reports.build', 7)).toBe(true);
    expect(testing.wasCalled('Reports.build', 9)).toBe(false);
    expect(testing.wasCalled('Reports.build')).toBe(false);
    expect(testing.calls('Reports.build').map(({ args }) => args)).toEqual([[7], [8]]);
    expect(testing.calls('Reports.remind')).toEqual([]);
    await testing.drain();
    expect(reports.built).toEqual([7, 8]);
    await module.close();
  });

  it('leaves delayed jobs until the time is moved', async () => {
    const testing = new BackgroundTesting();
    const { module, reports } = await start(testing);
    void reports.remind(1);
    void reports.build(2);
    await testing.drain();
    expect(reports.built).toEqual([2]);
    await testing.advance('59m');
    expect(reports.built).toEqual([2]);
    await testing.advance(60_000);
    expect(reports.built).toEqual([2, 1]);
    await expect(testing.advance('soon')).rejects.toThrow('"time"');
    await module.close();
  });

  it('runs all jobs with their calls where it is inline: delays and retries take no time', async () => {
    const testing = new BackgroundTesting({ inline: true });
    const { module, reports } = await start(testing);
    await reports.remind(1);
    expect(reports.built).toEqual([1]);
    expect(await reports.unlucky()).toBe('at last');
    expect(testing.clock.now()).toBe(fakeClock().now());
    await module.close();
    await testing.checkLeaks();
  });

  it('attaches to an application that has forRoot() of its own', async () => {
    const testing = new BackgroundTesting();
    const module = await Test.createTestingModule({
      imports: [BackgroundModule.forRoot({ engine: inlineEngine() })],
      providers: [Reports],
    }).compile();
    testing.attach(await module.init());
    void module.get(Reports).build(3);
    await testing.drain();
    expect(testing.wasCalled('Reports.build', 3)).toBe(true);
    expect(await module.get(BackgroundService).list()).toHaveLength(1);
    await module.close();
  });

  it('says so where it knows no application', async () => {
    await expect(new BackgroundTesting().drain()).rejects.toThrow('attach(app)');
  });

  it('finds nothing left open by an application that is closed', async () => {
    const testing = new BackgroundTesting();
    const { module, reports } = await start(testing);
    void reports.remind(1);
    await reports.build(2);
    await module.close();
    await testing.checkLeaks();
  });

  it('finds jobs that are not over, and timers that are set', async () => {
    const testing = new BackgroundTesting();
    const { module, reports } = await start(testing);
    void reports.hangs();
    await testing.advance(1);
    await expect(testing.checkLeaks()).rejects.toThrow('Not over: Reports.hangs');
    reports.latch.open();
    await testing.drain();
    await new Promise((resolve) => setImmediate(resolve));
    // The one that is set is that of the retention.
    await expect(testing.checkLeaks()).rejects.toThrow('Timers still set: 1');
    await module.close();
    await testing.checkLeaks();
  });
});

describe('leakGuard()', () => {
  it('names what keeps the process alive', async () => {
    const guard = leakGuard();
    await guard.check();
    const timer = setTimeout(() => {}, 60_000);
    await expect(guard.check()).rejects.toThrow('Still open: Timeout');
    clearTimeout(timer);
    await guard.check();
  });
});

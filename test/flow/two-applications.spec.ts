import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Background, Backgrounder, jobOf } from '../../src/index.js';
import { startJobs } from '../support/any-job.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

afterEach(closeApps);

@Injectable()
class Reports {
  @Background()
  async build(): Promise<string> {
    return 'built';
  }
}

describe('Two applications in one process', () => {
  it('never see each other', async () => {
    const [first, second] = [
      await startApp({ providers: [Reports] }),
      await startApp({ providers: [Reports] }),
    ];
    const job = jobOf(first.get(Reports).build());
    await job;
    expect(await first.service.find(job.id)).toMatchObject({ state: 'completed' });
    expect(await second.service.find(job.id)).toBeUndefined();
    expect(await second.service.list()).toEqual([]);
    await first.app.close();
    expect(await second.get(Reports).build()).toBe('built');
  });

  it('one after the other may be given the same object', async () => {
    const reports = new Reports();
    const providers = [{ provide: Reports, useValue: reports }];
    const first = await startApp({ providers });
    expect(await reports.build()).toBe('built');
    await first.app.close();
    const second = await startApp({ providers });
    expect(await reports.build()).toBe('built');
    expect(await second.service.list()).toHaveLength(1);
  });

  it('leave an object to the one that made it, though it is handed to the other', async () => {
    const first = await startApp({ providers: [Reports] });
    const reports = first.get(Reports);
    const second = await startApp({ providers: [{ provide: Reports, useValue: reports }] });
    await second.get(Reports).build();
    expect(await first.service.list()).toHaveLength(1);
    expect(await second.service.list()).toEqual([]);
  });

  it('know nothing of the jobs that one starts in the other', async () => {
    const [first, second] = [await startJobs(), await startApp({ providers: [Reports] })];
    const reports = second.get(Reports);
    const job = await first.run(async () => {
      const future = jobOf(reports.build());
      await future;
      return future.job();
    });
    expect(job).not.toHaveProperty('parentId');
    expect(await second.service.list({ parentId: job.id })).toEqual([]);
  });

  it.each(PLATFORMS)('show no job of the other, nor of none: %s', async (platform) => {
    const other = await startApp({ providers: [Reports] });
    const reports = [other.get(Reports), new Reports()];

    @Controller()
    class Elsewhere {
      @Backgrounder()
      @Get('elsewhere/:which')
      async start(@Param('which') which: number): Promise<object> {
        return { result: await reports[which]!.build() };
      }
    }

    const app = await startApp({ controllers: [Elsewhere], platform });
    for (const which of [0, 1]) {
      const response = await app.fetch(`/elsewhere/${which}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ result: 'built' });
    }
  });
});

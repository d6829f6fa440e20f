import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Sse, type Type } from '@nestjs/common';
import { Background, Backgrounder, SseRouteError } from '../../src/index.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

@Controller()
class Starts {
  @Backgrounder()
  @Sse('start')
  start(): void {}
}

@Controller()
class Jobs {
  @Background()
  @Sse('job')
  async job(): Promise<void> {}
}

@Controller()
class Below {
  @Sse('job')
  @Background()
  async job(): Promise<void> {}
}

@Controller()
class Events {
  @Sse('events')
  events(): void {}
}

afterEach(closeApps);

describe.each(PLATFORMS)('@Sse() on %s', (platform) => {
  it.each<[string, Type]>([
    ['Starts.start', Starts],
    ['Jobs.job', Jobs],
    ['Below.job', Below],
  ])('is an error at start where the answer is a job: %s', async (handler, controller) => {
    const starting = startApp({ controllers: [controller], platform });
    await expect(starting).rejects.toThrow(SseRouteError);
    await expect(starting).rejects.toThrow(handler);
    await expect(starting).rejects.toThrow('Accept: text/event-stream');
  });

  it('is none on other handlers', async () => {
    await using app = await startApp({ controllers: [Events], platform });
    expect(app.log.containing('error', '')).toEqual([]);
  });
});

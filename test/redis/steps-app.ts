import { Controller, Get, Injectable } from '@nestjs/common';
import { Background, Backgrounder, print, setProgress } from '../../src/index.js';
import { redisTracker, type RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { Latch } from '../support/latch.js';
import { startApp, type TestApp } from '../support/test-app.js';

@Injectable()
export class Steps {
  latches = [new Latch(), new Latch()];

  @Background({ name: 'steps' })
  async run(): Promise<string> {
    print('a');
    await this.latches[0]!.opened;
    print('b');
    setProgress(50, { half: true });
    await this.latches[1]!.opened;
    print('c');
    return 'done';
  }
}

@Controller()
class StepsController {
  constructor(private readonly steps: Steps) {}

  @Backgrounder()
  @Get('steps')
  start(): void {
    void this.steps.run();
  }
}

/** An application with a job in three steps. */
export function startSteps(options: RedisTrackerOptions): Promise<TestApp> {
  return startApp({
    providers: [Steps],
    controllers: [StepsController],
    background: { tracker: redisTracker(options) },
  });
}

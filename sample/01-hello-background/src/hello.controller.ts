import { Controller, Get } from '@nestjs/common';
import { Backgrounder, print } from 'nestjs-background';
import { LongRunning } from './long-running.js';

@Controller()
export class HelloController {
  constructor(private readonly longRunning: LongRunning) {}

  /** Answered at once with a redirect to `/?_t=<id>`, which shows all output so far. */
  @Backgrounder()
  @Get()
  hello() {
    print(`Started at ${new Date().toISOString()}`);
    print('hit f5 to refresh!');
    this.longRunning.count();
  }
}

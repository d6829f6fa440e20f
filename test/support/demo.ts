import { Controller, Get, Injectable } from '@nestjs/common';
import { Background, Backgrounder, print } from '../../src/index.js';
import { latches, type Latch } from './latch.js';

/** What web.py's example does: ten lines, one for each latch that the test opens. */
@Injectable()
export class Demo {
  readonly latches: Latch[] = latches(10);
  starts = 0;

  @Background()
  async longRunning(): Promise<string> {
    this.starts += 1;
    for (const [index, latch] of this.latches.entries()) {
      await latch.opened;
      print(index);
    }
    return 'done';
  }
}

@Controller()
export class DemoController {
  handled = 0;
  flag = false;

  constructor(private readonly demo: Demo) {}

  @Backgrounder()
  @Get('demo')
  start(): void {
    this.handled += 1;
    print('Started');
    print('hit f5 to refresh!');
    void this.demo.longRunning();
    print('after');
    this.flag = true;
  }
}

import { Injectable } from '@nestjs/common';
import { Background, print } from '../../src/index.js';
import { Latch } from './latch.js';

/** A job for any purpose: prints its label, waits at the gate, then ends as the test says. */
@Injectable()
export class Tasks {
  readonly gate = new Latch();
  readonly runs: string[] = [];
  end: () => unknown = () => 'done';

  @Background()
  async run(label = 'task'): Promise<unknown> {
    this.runs.push(label);
    print(label);
    await this.gate.opened;
    return this.end();
  }
}

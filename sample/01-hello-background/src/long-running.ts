import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Background, print } from 'nestjs-background';

/** How long each step takes, in ms; the test shortens it. */
const STEP = Number(process.env.STEP ?? 1000);

@Injectable()
export class LongRunning {
  @Background()
  async count(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      await setTimeout(STEP);
      print(`${i}: ${new Date().toISOString()}`);
    }
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Background, print, withProgress } from 'nestjs-background';

const STEP = Number(process.env.STEP ?? 1_000);

@Injectable()
export class Renders {
  /** Called in the web process, run in a worker. */
  @Background({ name: 'render', retries: 2 })
  async render(frames: number): Promise<{ frames: number; worker: number }> {
    print(`rendering in process ${process.pid}`);
    for (const frame of withProgress(Array.from({ length: frames }, (_, index) => index + 1))) {
      await wait(STEP);
      print(`frame ${frame}`);
    }
    return { frames, worker: process.pid };
  }
}

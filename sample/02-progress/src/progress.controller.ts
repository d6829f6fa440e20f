import { setTimeout } from 'node:timers/promises';
import { Controller, Get, Header, Param, Redirect } from '@nestjs/common';
import { BackgroundService, setProgress } from 'nestjs-background';

/** How long each step takes, in ms; the test shortens it. */
const STEP = Number(process.env.STEP ?? 1000);

@Controller()
export class ProgressController {
  constructor(private readonly background: BackgroundService) {}

  @Get('start')
  @Redirect()
  start() {
    const id = this.background.perform(count, 5);
    return { url: `/state/${id}`, statusCode: 303 };
  }

  @Get('state/:id')
  @Header('content-type', 'text/plain; charset=utf-8')
  async state(@Param('id') id: string): Promise<string> {
    const progress = await this.background.getProgress(id);
    if (!progress) return 'Job Completed';
    const [value] = progress;
    return value < 0 ? 'Not yet started' : String(value);
  }
}

/** Any function will do: what it reports goes to the job that runs it. */
async function count(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    setProgress(i);
    await setTimeout(STEP);
  }
}

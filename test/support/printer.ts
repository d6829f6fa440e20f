import { Controller, Get, Injectable, Post } from '@nestjs/common';
import { Background, Backgrounder, currentJob, type JobContext } from '../../src/index.js';
import { Latch } from './latch.js';

/** A job whose output, progress and end are in the hands of the test. */
@Injectable()
export class Printer {
  readonly started = new Latch();
  readonly end = new Latch();
  job!: JobContext;
  result: unknown = 'done';

  @Background()
  async run(): Promise<unknown> {
    this.job = currentJob()!;
    this.started.open();
    await Promise.race([
      this.end.opened,
      new Promise<void>((resolve) => this.job.signal.addEventListener('abort', () => resolve())),
    ]);
    if (this.result instanceof Error) throw this.result;
    return this.result;
  }
}

@Controller()
export class PrinterController {
  constructor(private readonly printer: Printer) {}

  @Backgrounder()
  @Get('print')
  print(): void {
    void this.printer.run();
  }

  @Backgrounder({ cancel: true })
  @Get('cancellable')
  cancellable(): void {
    void this.printer.run();
  }

  @Backgrounder({ cancel: true })
  @Post('posted')
  posted(): void {
    void this.printer.run();
  }
}

export const PRINTER = { controllers: [PrinterController], providers: [Printer] };

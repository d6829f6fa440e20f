import { Controller, Get, Injectable } from '@nestjs/common';
import {
  Background,
  background,
  Backgrounder,
  currentJob,
  print,
  setProgress,
} from '../../src/index.js';
import { Latch } from './latch.js';

/** Jobs in every state a page can show, held there until the test lets them go. */
@Injectable()
export class Show {
  readonly gate = new Latch();
  readonly childGate = new Latch();

  @Background()
  async import(file: string): Promise<object> {
    print(`Reading ${file}`);
    print('\x1b[32mok\x1b[0m 12,000 rows, see https://example.com/rows?a=1&b=2.');
    console.warn('row 17 has no date: \x1b[1;33mskipped\x1b[0m');
    setProgress(42, { table: 'customers', row: 5_040 });
    void this.index('customers');
    void this.index('orders');
    await this.gate.opened;
    for (let row = 1; row <= 60; row++) print(`row ${row} \x1b[38;5;${row + 16}mdone\x1b[0m`);
    return { rows: 12_000, skipped: 1, tables: ['customers', 'orders'] };
  }

  @Background()
  async index(table: string): Promise<void> {
    setProgress(table === 'orders' ? 10 : 80, `index of ${table}`);
    await this.childGate.opened;
    if (table === 'orders') throw new Error('The index of orders is in use.');
  }

  @Background()
  async fail(): Promise<void> {
    print('About to divide.');
    setProgress(30);
    await this.gate.opened;
    throw new RangeError('Division by zero in row 17: <b>not bold</b>');
  }

  @Background({ retries: { limit: 1, delay: '1h' } })
  async retry(): Promise<void> {
    print(`Attempt ${currentJob()?.attempt}`);
    throw new Error('The mail server did not answer.');
  }

  @Background({ retries: { limit: 2, delay: 0 } })
  async stubborn(): Promise<string> {
    print(`Trying for the ${currentJob()?.attempt}. time`);
    if (currentJob()?.attempt !== 3) throw new Error('not yet');
    await this.gate.opened;
    return 'at last';
  }

  @Background()
  async single(): Promise<void> {
    await this.gate.opened;
  }

  @Background()
  async count(): Promise<void> {
    setProgress(12_345, 'lines read');
    await this.gate.opened;
  }
}

@Controller('show')
export class ShowController {
  constructor(private readonly show: Show) {}

  @Backgrounder({ cancel: true })
  @Get('running')
  running(): void {
    void this.show.import('customers.csv');
  }

  @Backgrounder()
  @Get('failed')
  failed(): void {
    void this.show.fail();
  }

  @Backgrounder({ expose: { stack: true } })
  @Get('stack')
  stack(): void {
    void this.show.fail();
  }

  @Backgrounder()
  @Get('waiting')
  waiting(): void {
    void this.show.retry();
  }

  @Backgrounder()
  @Get('retried')
  retried(): void {
    void this.show.stubborn();
  }

  @Backgrounder({ cancel: true })
  @Get('queued')
  queued(): void {
    void this.show.single();
  }

  @Backgrounder({ cancel: true })
  @Get('scheduled')
  scheduled(): void {
    void background(this.show, { delay: '1h' }).single();
  }

  @Backgrounder()
  @Get('counting')
  counting(): void {
    void this.show.count();
  }
}

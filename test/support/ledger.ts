import { Controller, Get } from '@nestjs/common';
import {
  background,
  Backgrounder,
  outsideTransaction,
  print,
  setProgress,
  timedQuery,
} from '../../src/index.js';
import { Note, Notes, startSqliteApp } from '../transaction/sqlite-app.js';
import { Latch } from './latch.js';
import type { TestApp } from './test-app.js';

/** Jobs that have to do with a database, held where they wait until the test lets them go. */
@Controller('ledger')
export class LedgerController {
  readonly gate = new Latch();

  constructor(private readonly notes: Notes) {}

  @Backgrounder({ cancel: true })
  @Get('writing')
  writing(): void {
    void background(this.notes, { name: 'Ledger.close' }).run(async (notes) => {
      print('Booked the last entries of the year.');
      await notes.save({ text: 'entry' });
      setProgress(60, 'adding up');
      await this.gate.opened;
    });
  }

  @Backgrounder()
  @Get('turn')
  turn(): void {
    void background(this.notes, { name: 'Ledger.report' }).run((notes) =>
      notes.save({ text: 'report' }),
    );
  }

  @Backgrounder()
  @Get('row')
  row(): void {
    void background(this.notes, { name: 'Ledger.audit' }).run(async (notes) => {
      print('Looking for the audit.');
      await timedQuery(() => notes.findOneBy({ text: 'audit' }));
    });
  }

  @Backgrounder()
  @Get('job')
  job(): void {
    void background(this.notes, { name: 'Ledger.year' }).run(async () => {
      setProgress(10, 'closing the quarters');
      await background(this.notes, { name: 'Ledger.quarter' }).run(async (notes) => {
        await timedQuery(() => outsideTransaction(() => notes.findOneBy({ text: 'quarter' })));
      });
    });
  }

  @Backgrounder()
  @Get('undone')
  undone(): void {
    void background(this.notes, { name: 'Ledger.import' }).run(async (notes) => {
      print('Imported 12 entries.');
      await notes.save({ text: 'entry' });
      throw new Error('Entry 13 has no date.');
    });
  }

  @Backgrounder()
  @Get('again')
  again(): void {
    const job = background(this.notes, {
      name: 'Ledger.import',
      retries: { limit: 2, delay: '1h' },
    });
    void job.run(async (notes) => {
      await notes.save({ text: 'entry' });
      throw new Error('The bank did not answer.');
    });
  }
}

/** An application with these jobs, on a database file of its own. */
export function startLedger(): Promise<TestApp> {
  return startSqliteApp({ entities: [Note] }, { controllers: [LedgerController] });
}

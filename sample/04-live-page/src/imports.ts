import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Background, currentJob, print, setProgress, withProgress } from 'nestjs-background';

/** How long each row takes, in ms; the test shortens it. */
const STEP = Number(process.env.STEP ?? 500);

@Injectable()
export class Imports {
  /** Reads the rows, then has what it read indexed and mailed, each by a job of its own. */
  @Background({ timeout: '10m' })
  async import(csv: string): Promise<{ imported: number; skipped: number }> {
    const rows = csv.split('\n').filter((row) => row.trim() !== '');
    print(`${rows.length} rows`);
    let skipped = 0;
    for (const row of withProgress(rows, { data: (row: unknown) => String(row) })) {
      await setTimeout(STEP, undefined, { signal: currentJob()?.signal });
      if (row.includes(',')) print(`\x1b[32m✓\x1b[0m ${row}`);
      else {
        console.warn(`\x1b[33mskipped\x1b[0m ${row}: it has no comma`);
        skipped += 1;
      }
    }
    await this.index(rows.length);
    // Whoever cannot be mailed is no reason to import nothing.
    await this.mail(skipped).catch((error: Error) => console.warn(error.message));
    return { imported: rows.length - skipped, skipped };
  }

  @Background()
  async index(rows: number): Promise<void> {
    for (let done = 0; done <= rows; done++) {
      setProgress((100 * done) / rows, `${done} of ${rows}`);
      await setTimeout(STEP / 2);
    }
  }

  @Background()
  async mail(skipped: number): Promise<void> {
    await setTimeout(STEP);
    if (skipped > 0) throw new Error(`${skipped} rows were skipped, so nobody was mailed.`);
  }
}

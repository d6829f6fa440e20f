import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Background, currentJob, print, setProgress, withProgress } from 'nestjs-background';

/** How long each step takes, in ms; the test shortens it. */
const STEP = Number(process.env.STEP ?? 1000);

const READERS = ['ada@example.com', 'grace@example.com', 'nobody', 'edsger@example.com'];

@Injectable()
export class Newsletter {
  /** Mails it to everybody, each by a job of its own. */
  @Background({ timeout: '10m' })
  async send(issue: number): Promise<number> {
    print(`issue ${issue}`);
    let sent = 0;
    for (const reader of withProgress(READERS)) {
      // Whoever cannot be reached is no reason to leave out the others.
      if (
        await this.mail(reader).then(
          () => true,
          () => false,
        )
      )
        sent += 1;
    }
    return sent;
  }

  @Background({ retries: { limit: 1, delay: STEP } })
  async mail(reader: string): Promise<void> {
    setProgress(50, reader);
    await setTimeout(STEP, undefined, { signal: currentJob()?.signal });
    if (!reader.includes('@')) throw new Error(`"${reader}" is no address.`);
    print(`mailed to ${reader}`);
  }
}

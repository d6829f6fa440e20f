import { Injectable } from '@nestjs/common';
import { Background, background, type JobFuture } from 'nestjs-background';

export interface Page {
  readonly rows: string[];
}

@Injectable()
export class SlowService {
  partner: JobFuture<unknown> | undefined;

  @Background()
  async page(...rows: string[]): Promise<Page> {
    return { rows };
  }

  @Background()
  async count({ rows }: Page): Promise<number> {
    return rows.length;
  }

  /** Waits for a job that waits for a job, and so on: a job that waits lends its slot. */
  @Background()
  async descend(depth: number): Promise<number> {
    return depth === 0 ? 0 : 1 + (await this.descend(depth - 1));
  }

  /** Waits for one that waits for it. */
  @Background()
  async embrace(): Promise<unknown> {
    return background<SlowService>(this).embraceBack();
  }

  @Background()
  async embraceBack(): Promise<unknown> {
    return this.partner;
  }
}

import type { ExposeOptions } from '../../decorators/route-door.js';
import type { JobRecord } from '../../job/job.js';
import { isFinal } from '../../job/state-machine.js';
import { isNews, type JobStep } from '../../tracker/follow-job.js';
import { exposedJob } from '../exposed-job.js';
import { gathered, type LiveWriter } from '../faces/live-writer.js';
import { brokenOff, pageStart, PAGE_END, retryForm, type PageHead } from './document.js';
import { markup } from './html.js';
import { nestedPart } from './nested-part.js';
import { nestedJobs } from './nested-jobs.js';
import { outcomePart } from './outcome.js';
import { PageLog } from './page-log.js';
import { statusPart, statusText } from './status.js';

const SECOND = 1000;

export interface PageSources extends PageHead {
  readonly expose: ExposeOptions | undefined;
  now(): number;
  children(id: string): Promise<JobRecord[]>;
  /** Whether the page reloads itself where it is ended before the job. */
  comesBack(): boolean;
}

/**
 * A page that fills while the job runs, without a script: the answer stays open, and what changes is sent again. Each
 * kind of part has an element of its own, of which the style shows only the last.
 */
export class LivePage implements LiveWriter {
  readonly pace = 100;
  readonly rouse = SECOND;
  readonly beat = '<!-- -->';
  readonly #log = new PageLog();
  readonly #sent = new Map<string, string>();
  #isOver = false;
  #lookedAt = -Infinity;
  #saidAt = -Infinity;

  constructor(private readonly sources: PageSources) {}

  open(): string {
    return pageStart(this.sources).text;
  }

  async *step(step: JobStep): AsyncGenerator<string> {
    yield* gathered(this.#log.parts(step.page));
    const { record, seen } = step;
    this.#isOver = isFinal(record.state);
    if (seen && !isNews(seen, record) && !this.#isDue()) return;
    this.#lookedAt = performance.now();
    yield await this.#changes(record, record.state !== seen?.state);
    if (this.#isOver) yield this.#end(record);
  }

  #end(record: JobRecord): string {
    const { expose, table, url } = this.sources;
    const again = table && retryForm({ record, url });
    return markup`${again}${outcomePart(exposedJob(record, expose))}`.text;
  }

  close(): string {
    const { url, comesBack } = this.sources;
    const end = this.#isOver || !this.sources.follows ? '' : brokenOff(url, comesBack()).text;
    return end + PAGE_END;
  }

  /** In real time: it spares reader and network, it is no rule about time. */
  #isDue(): boolean {
    return performance.now() - this.#lookedAt >= SECOND / 2;
  }

  async #changes(record: JobRecord, isNewState: boolean): Promise<string> {
    const { children, expose, now, table } = this.sources;
    const nested = record.attempt > 0 ? await nestedJobs(children, record.id) : [];
    return [
      this.#ifNew('now', statusPart(record, now(), expose).text),
      this.#ifNew('nested', nestedPart(nested, expose, table)?.text ?? ''),
      this.#said(record, isNewState),
    ].join('');
  }

  /** Nobody wants to be told every second. */
  #said(record: JobRecord, isNewState: boolean): string {
    const isTooSoon = performance.now() - this.#saidAt < 15 * SECOND;
    if (isTooSoon && !isNewState) return '';
    this.#saidAt = performance.now();
    return this.#ifNew('said', markup`<p slot="said">${statusText(record)}</p>`.text);
  }

  #ifNew(kind: string, part: string): string {
    if (this.#sent.get(kind) === part) return '';
    this.#sent.set(kind, part);
    return part;
  }
}

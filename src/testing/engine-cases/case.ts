import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import type {
  DeliveryDone,
  DeliveryOutcome,
  EngineHost,
  JobEngine,
  JobTicket,
  StandIn,
} from '../../engine/job-engine.js';
import { systemClock } from '../../job/clock.js';
import { newJobId } from '../../job/job-id.js';
import type { MaybePromise } from '../../job/maybe-promise.js';
import { gate, type Gate } from '../gate.js';

/** What the suite has of an engine that is open. */
export interface OpenEngine {
  readonly engine: JobEngine;
  readonly host: TestHost;
}

/** How a case comes to its engines; all of them share one queue. The suite closes them. */
export interface EngineCaseTools {
  open(settings?: HostSettings): Promise<OpenEngine>;
}

export type EngineCase = (tools: EngineCaseTools) => Promise<void>;

/** Examples by what they show. */
export type EngineCases = Readonly<Record<string, EngineCase>>;

export interface HostSettings {
  readonly concurrency?: number;
  readonly queueLimit?: number;
}

type Answer = (ticket: JobTicket) => MaybePromise<DeliveryOutcome>;

/** A host that notes what is delivered to it, and does with each ticket what the case says. */
export class TestHost implements EngineHost {
  readonly clock = systemClock;
  readonly concurrency: number;
  readonly queueLimit: number;
  readonly delivered: JobTicket[] = [];
  /** How many ran at once, at most. */
  most = 0;
  running = 0;
  answer: Answer = () => ({});

  constructor({ concurrency = 1, queueLimit = Infinity }: HostSettings = {}) {
    this.concurrency = concurrency;
    this.queueLimit = queueLimit;
  }

  async deliver(ticket: JobTicket): Promise<DeliveryOutcome> {
    this.delivered.push(ticket);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    const outcome = await this.answer(ticket);
    this.running -= 1;
    return outcome;
  }

  start(ticket: JobTicket, over: DeliveryDone): void {
    void this.deliver(ticket).then((outcome) => over(ticket, outcome));
  }

  ready(): void {}

  recovered(): void {}

  get ids(): string[] {
    return this.delivered.map(({ id }) => id);
  }

  /** From now on each delivery goes on until the gate is opened. */
  block(): Gate {
    const door = gate();
    this.answer = () => door.opened.then(() => ({}));
    return door;
  }

  /** Deliveries that go on until they are told to end, by the name of their tickets. */
  blockEach(): (name: string) => Gate {
    const doors = new Map<string, Gate>();
    const doorOf = (name: string): Gate => doors.get(name) ?? doors.set(name, gate()).get(name)!;
    this.answer = ({ name }) => doorOf(name).opened.then(() => ({}));
    return doorOf;
  }
}

export function ticket(fields: Partial<JobTicket> = {}): JobTicket {
  return {
    ...{ id: newJobId(), name: 'Some.job', priority: 0, runAt: undefined, limit: undefined },
    ...fields,
  };
}

/** Enqueues tickets one after the other, so that their order is certain. */
export async function enqueueAll(engine: JobEngine, tickets: readonly JobTicket[]): Promise<void> {
  for (const each of tickets) await engine.enqueue(each);
}

export function isStandIn(taken: void | StandIn): taken is StandIn {
  return taken !== undefined;
}

/** Real time, for engines whose clock is another machine's. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `It never came true: ${condition.toString()}`);
    await wait(5);
  }
}

import { Injectable } from '@nestjs/common';
import { Background } from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { startApp, type TestApp } from '../support/test-app.js';

/** Jobs that hold at a gate of their own, with limits of all kinds. */
@Injectable()
export class Exports {
  readonly started: string[] = [];
  readonly gates = new Map<string, Latch>();
  failures = 0;

  @Background({ concurrency: 2 })
  async two(label: string): Promise<string> {
    return this.#hold(label);
  }

  @Background({ concurrency: { limit: 1, key: (label: string) => label.split('-')[0]! } })
  async onePerCustomer(label: string): Promise<string> {
    return this.#hold(label);
  }

  @Background({ concurrency: 1 })
  async recursive(depth: number): Promise<number> {
    return depth === 0 ? 0 : 1 + (await this.recursive(depth - 1));
  }

  @Background({ unique: { key: (label: string) => label[0]! } })
  async once(label: string): Promise<string> {
    return this.#hold(label);
  }

  @Background()
  async free(label: string): Promise<string> {
    return this.#hold(label);
  }

  @Background()
  async failsTwice(): Promise<string> {
    this.failures += 1;
    if (this.failures < 3) throw new Error(`failure ${this.failures}`);
    return `after ${this.failures}`;
  }

  open(...labels: string[]): void {
    labels.forEach((label) => this.#gateOf(label).open());
  }

  async #hold(label: string): Promise<string> {
    this.started.push(label);
    await this.#gateOf(label).opened;
    return label;
  }

  #gateOf(label: string): Latch {
    const gate = this.gates.get(label) ?? new Latch();
    this.gates.set(label, gate);
    return gate;
  }
}

/** An application with them. */
export async function exportsOf(
  options: Parameters<typeof startApp>[0] = {},
): Promise<[Exports, TestApp]> {
  const app = await startApp({ providers: [Exports], ...options });
  return [app.get(Exports), app];
}

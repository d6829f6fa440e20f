import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOpener } from './connection-opener.js';

/** How long a stream that was read to its end may take to be off its connection, and between two looks; in ms. */
const MOMENT = 500;
const PAUSE = 2;

/** Fulfilled when no stream is open on the connection, or when one seems to have been left open. */
export async function streamEnd(opener: Pick<ConnectionOpener, 'isStreaming'>): Promise<void> {
  const deadline = performance.now() + MOMENT;
  while (opener.isStreaming && performance.now() < deadline) await delay(PAUSE);
}

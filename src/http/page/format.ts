import { inspect, toUSVString } from 'node:util';
import type { JobProgress } from '../../job/job.js';

/** A time span as a person says it: `8 s`, `4 min 10 s`, `2 h 5 min`. Coarser as it grows. */
export function timeSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 600) return twoParts(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return twoParts(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  return `${Math.floor(minutes / 1440)} days`;
}

/** How long it took, as exactly as it matters. */
export function exactSpan(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : timeSpan(ms);
}

function twoParts(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** In the one zone that server and reader share. */
export function moment(time: number): string {
  return `${timeStamp(time)} UTC`;
}

/** The same where the zone is said elsewhere. */
export function timeStamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

/** Whether the number is meant as a percentage; else it counts something. */
export function isPercentage({ value }: JobProgress): boolean {
  return value >= 0 && value <= 100;
}

/** What stands beside the number, in words. */
export function dataText(data: unknown): string {
  if (data === null || data === undefined) return '';
  if (typeof data !== 'object') return shortened(wordOf(data));
  const pairs = Array.isArray(data) ? data.map(wordOf) : Object.entries(data).map(pairOf);
  return shortened(pairs.join(', '));
}

function pairOf([name, value]: [string, unknown]): string {
  return `${name}: ${wordOf(value)}`;
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shortened(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.length > 200 ? `${toUSVString(line.slice(0, 200))}…` : line;
}

/** A result, as a person reads it. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? inspect(value));
}

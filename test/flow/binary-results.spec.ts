import { expect, it } from '@jest/globals';
import { plainJson } from '../../src/job/plain-json.js';
import { startJobs } from '../support/any-job.js';

it.each([
  [Buffer.alloc(5_000), '[Buffer: 5000 bytes]'],
  [new Uint16Array(5_000), '[Uint16Array: 10000 bytes]'],
  [{ image: { png: Buffer.alloc(5_000) } }, { image: { png: '[Buffer: 5000 bytes]' } }],
  [[new Uint8Array(5_000)], ['[Uint8Array: 5000 bytes]']],
  [Buffer.from('ab'), { type: 'Buffer', data: [97, 98] }],
])('Of a large binary value JSON keeps its length: %#', (value, kept) => {
  expect(plainJson(value)).toEqual(kept);
});

it('A large binary result is whole for whoever awaits the job, and its length is kept', async () => {
  await using app = await startJobs();
  const job = app.run(() => Buffer.alloc(20_000_000, 7));
  expect((await job).byteLength).toBe(20_000_000);
  expect(await job.job()).toMatchObject({ result: '[Buffer: 20000000 bytes]' });
});

import { expect, it } from '@jest/globals';
import { from, lastValueFrom } from 'rxjs';
import { background, transparent } from '../../src/index.js';

it('A transparent future is a promise, and no stream, for whoever takes both', async () => {
  const table = background(async () => ({ rows: ['a', 'b'] }))();
  const { rows } = transparent(table);
  expect(await lastValueFrom(from(rows))).toEqual(['a', 'b']);
  const read = async (): Promise<void> => {
    for await (const row of rows as unknown as AsyncIterable<string>) void row;
  };
  await expect(read()).rejects.toThrow('is still to come');
});

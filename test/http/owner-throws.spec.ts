import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, UnauthorizedException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Backgrounder } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

function ownerOf({ headers }: IncomingMessage): string {
  if (headers['x-user'] === undefined) throw new UnauthorizedException('Who are you?');
  if (headers['x-user'] === 'broken') throw new TypeError('No session.');
  return String(headers['x-user']);
}

@Controller()
class Reports {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder({ owner: ownerOf })
  @Get('report')
  build(): void {
    void this.tasks.run();
  }
}

afterEach(closeApps);

describe.each(PLATFORMS)('A request whose owner cannot be told, on %s', (platform) => {
  const reports = { controllers: [Reports], providers: [Tasks], platform };

  it('is shown no job, as if there were none', async () => {
    await using app = await startApp(reports);
    const location = await startAt(app, '/report', { headers: { 'x-user': 'ann' } });
    const unknown = location.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    const expected: unknown = await (await app.fetch(unknown)).json();
    for (const headers of [new Headers(), new Headers({ 'x-user': 'broken' })]) {
      const response = await app.fetch(location, { headers });
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual(expected);
    }
    // The mistake, but not the refusal.
    expect(app.log.containing('error', 'No session.')).toHaveLength(1);
    expect(app.log.containing('error', 'Who are you?')).toHaveLength(0);
  });

  it('starts none, and is answered as after any exception', async () => {
    await using app = await startApp(reports);
    expect((await app.fetch('/report')).status).toBe(401);
    expect((await app.fetch('/report', { headers: { 'x-user': 'broken' } })).status).toBe(500);
    expect(await app.service.list()).toEqual([]);
  });
});

import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConflictException, Controller, Get } from '@nestjs/common';
import { Backgrounder, print } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, startApp } from '../support/test-app.js';

@Controller()
class Printing {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('nothing')
  nothing(): string {
    print('no job', 1);
    console.log('to the console');
    print('50 %s');
    return 'nothing';
  }

  @Backgrounder()
  @Get('fails')
  fails(): void {
    print('before it fails');
    throw new ConflictException();
  }

  @Backgrounder()
  @Get('job')
  job(): void {
    print('head');
    void this.tasks.run('run');
    print('too late');
  }
}

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

describe.each(['tee', 'off'] as const)('With console %p, what a handler prints', (mode) => {
  async function start() {
    const lines: string[] = [];
    jest.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
      lines.push(values.length > 1 ? values.slice(1).join(' ') : String(values[0]));
    });
    const background = { output: { console: mode } };
    const app = await startApp({ controllers: [Printing], providers: [Tasks], background });
    return { app, lines };
  }

  it('goes to the console where it starts no job', async () => {
    const { app, lines } = await start();
    expect(await (await app.fetch('/nothing')).text()).toBe('nothing');
    expect(lines).toEqual(['to the console', 'no job 1', '50 %s']);
  });

  it('goes to the console where it fails before', async () => {
    const { app, lines } = await start();
    expect((await app.fetch('/fails')).status).toBe(409);
    expect(lines).toEqual(['before it fails']);
  });

  it('goes to the job until there is one, and from then on to the console', async () => {
    const { app, lines } = await start();
    const location = await startAt(app, '/job');
    app.get(Tasks).gate.open();
    expect(await (await app.fetch(location)).text()).toBe('head\nrun\n');
    expect(lines).toEqual(['too late']);
  });
});

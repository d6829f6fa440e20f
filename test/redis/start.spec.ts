import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobOf } from '../../src/index.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { failOnLeaks } from '../support/leaks.js';
import { freePort } from '../support/free-port.js';
import { ownRedis } from '../support/redis.js';
import { describeWithRedisServer } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { Steps, startSteps as start } from './steps-app.js';

/** What the start of an application failed with, and how long that took. */
async function failure(url: string): Promise<{ message: string; seconds: number }> {
  const began = performance.now();
  const error = await start({ url }).then(
    () => new Error('It started.'),
    (thrown: unknown) => thrown as Error,
  );
  return { message: error.message, seconds: (performance.now() - began) / 1_000 };
}

describeWithRedisServer('Where Redis cannot be used, the start says so:', () => {
  failOnLeaks();

  it('it is not there', async () => {
    const { message, seconds } = await failure(
      `redis://ann:secret@127.0.0.1:${await freePort()}/3`,
    );
    expect(message).toMatch(
      /could not connect to Redis at redis:\/\/127.0.0.1:\d+\/3: .*ECONNREFUSED/,
    );
    expect(message).toContain('Start Redis there, or correct the url.');
    expect(message).not.toContain('secret');
    expect(seconds).toBeLessThan(10);
  });

  it.each(['redis://:wrong@', 'redis://'])('it refuses the password of %s', async (scheme) => {
    await using server = await ownRedis('--requirepass', 'right');
    const { message } = await failure(`${scheme}127.0.0.1:${server.port}`);
    expect(message).toMatch(/WRONGPASS|NOAUTH/);
    expect(message).toContain('Correct the user and the password.');
    expect(message).not.toContain('wrong@');
  });

  it('it takes connections and does not answer', async () => {
    const taken: Socket[] = [];
    const silent = createServer((socket) => taken.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { message, seconds } = await failure(
      `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    );
    expect(message).toContain('no answer. Start Redis there');
    expect(seconds).toBeLessThan(10);
    silent.close();
    taken.forEach((socket) => socket.destroy());
  });

  it('it is too old', async () => {
    const info = 'redis_version:5.0.14\r\n';
    const old = createServer((socket) => {
      socket.on('data', (data) => {
        for (const command of String(data).matchAll(/\$\d+\r\n(info|client|INFO)\r\n/gi)) {
          const isInfo = command[1]!.toLowerCase() === 'info';
          socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
        }
      });
    }).listen(0, '127.0.0.1');
    await once(old, 'listening');
    const { message } = await failure(`redis://127.0.0.1:${(old.address() as AddressInfo).port}`);
    expect(message).toContain('needs Redis 6.2 or later, or Valkey; this one is 5.0.14');
    old.close();
  });

  it('options that cannot be meant are refused at once', () => {
    expect(() => redisTracker({})).toThrow('neither of url and client');
    expect(() => redisTracker(undefined as never)).toThrow('neither of url and client');
    expect(() => redisTracker({ url: 'http://:secret@x' })).toThrow(
      'It must be a URL such as redis:',
    );
    expect(() => redisTracker({ url: 'http://:secret@x' })).not.toThrow('secret');
    expect(() => redisTracker({ url: 'redis://x', expiry: -1 })).toThrow('"expiry"');
    expect(() => redisTracker({ url: 'redis://x', prefix: 'a{b}' })).toThrow('no braces');
    expect(() => redisTracker({ client: {} as never })).toThrow('a client or a cluster of ioredis');
    expect(() => redisTracker({ url: 'redis://x', expire: 1 } as never)).toThrow('"expiry"');
  });
});

describeWithRedisServer('A Redis that may drop keys', () => {
  failOnLeaks();

  it('is told of at start, with the remedy', async () => {
    await using server = await ownRedis(
      '--maxmemory',
      '100mb',
      '--maxmemory-policy',
      'allkeys-lru',
    );
    const app = await start({ url: server.url });
    const [line] = app.log.containing('warn', 'allkeys-lru');
    expect(line?.text).toContain('maxmemory-policy noeviction');
    await closeApps();
  });

  it('is not told of where it is set right', async () => {
    await using server = await ownRedis();
    const app = await start({ url: server.url });
    expect(app.log.containing('warn', 'redisTracker')).toEqual([]);
    await closeApps();
  });
});

describeWithRedisServer('A client of the application', () => {
  failOnLeaks();

  it('is taken as a model, and left alone', async () => {
    await using server = await ownRedis('--requirepass', 'right');
    const client = new Redis({ port: server.port, password: 'right', keyPrefix: 'mine:' });
    const app = await start({ client });
    app.get(Steps).latches.forEach((latch) => latch.open());
    const job = jobOf(app.get(Steps).run());
    expect(await job).toBe('done');
    await app[Symbol.asyncDispose]();
    expect(await client.ping()).toBe('PONG');
    expect(await client.exists(`background:{${job.id}}`)).toBe(1);
    client.disconnect();
  });
});

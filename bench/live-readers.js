// One job that prints 100 lines/s, watched by 1,000 readers of server-sent events: how late a line reaches a reader,
// and what a reader costs. node bench/live-readers.js [readers] [lines/s] [seconds] [express|fastify]
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [readers = 1000, rate = 100, seconds = 20, adapter = 'express'] = process.argv
  .slice(2)
  .map((value) => (/^\d+$/.test(value) ? Number(value) : value));
const SELF = fileURLToPath(import.meta.url);

if (process.env.ROLE === 'server') await serve();
else if (process.env.ROLE === 'readers') await read();
else if (process.argv[1] === SELF)
  console.table(await watched({ readers, rate, seconds, adapter }));

/** What it costs to have so many readers of one job that prints so many lines/s, for so many seconds. */
export async function watched(how) {
  const server = start('server', how);
  const { port, location } = await told(server);
  const before = await ask(server, 'memory');
  const clients = start('readers', how, { PORT: port, LOCATION: location });
  await told(clients);
  const after = await ask(server, 'memory');
  await ask(server, 'print');
  const used = await ask(server, 'usage');
  const { delays, lines } = await ask(clients, 'report');
  const kB = (key) => +((after[key] - before[key]) / how.readers / 1024).toFixed(1);
  server.kill();
  clients.kill();
  return {
    readers: how.readers,
    'lines/s of the job': how.rate,
    'lines that arrived': `${lines} of ${how.readers * how.rate * how.seconds}`,
    'delay of a line, median, ms': delays.p50,
    'delay of a line, p99, ms': delays.p99,
    'delay of a line, at most, ms': delays.max,
    'memory a reader, kB of heap': kB('heap'),
    'memory a reader, kB of RSS': kB('rss'),
    'server, share of one core': used.share,
    'job, longest lateness of a line, ms': used.late,
    'job, s in all': used.spent,
  };
}

function start(role, { readers, rate, seconds, adapter = 'express' }, env = {}) {
  const options = { env: { ...process.env, ...env, ROLE: role }, execArgv: ['--expose-gc'] };
  return fork(SELF, [readers, rate, seconds, adapter].map(String), options);
}

async function told(child) {
  const [message] = await once(child, 'message');
  return message;
}

function ask(child, question) {
  child.send(question);
  return told(child);
}

async function serve() {
  const { Controller, Get, Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { background, BackgroundModule, Backgrounder, print } = await import('../dist/index.js');
  let begin;
  const begun = new Promise((resolve) => (begin = resolve));
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  const outcome = {};

  class Lines {
    start() {
      void background(run)();
    }
  }
  const found = Object.getOwnPropertyDescriptor(Lines.prototype, 'start');
  Reflect.decorate([Backgrounder(), Get('lines')], Lines.prototype, 'start', found);
  Controller()(Lines);
  class Root {}
  const output = { console: 'capture', maxBytes: 64 * 1024 * 1024 };
  Module({ imports: [BackgroundModule.forRoot({ output })], controllers: [Lines] })(Root);

  async function run() {
    await begun;
    const cpu = process.cpuUsage();
    const first = performance.now();
    outcome.late = 0;
    for (let line = 0; line < rate * seconds; line++) {
      const due = first + (line * 1000) / rate;
      await setTimeout(Math.max(0, due - performance.now()));
      outcome.late = Math.max(outcome.late, Math.round(performance.now() - due));
      print(`at=${process.hrtime.bigint()}; page 17 of 240 rendered, 12 images`);
    }
    const { user, system } = process.cpuUsage(cpu);
    const spent = performance.now() - first;
    outcome.share = +((user + system) / 1000 / spent).toFixed(2);
    outcome.spent = +(spent / 1000).toFixed(3);
    end();
  }

  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(Root, platform, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();
  const started = await fetch(`http://127.0.0.1:${port}/lines`, { redirect: 'manual' });
  const answers = {
    memory() {
      globalThis.gc();
      const { heapUsed, rss } = process.memoryUsage();
      return { heap: heapUsed, rss };
    },
    async print() {
      begin();
      await ended;
      // The last line is still on its way.
      await setTimeout(2000);
      return 'printed';
    },
    usage: () => outcome,
  };
  process.on('message', async (question) => process.send(await answers[question]()));
  process.send({ port, location: started.headers.get('location') });
}

/** Sockets without a client around them, so that the readers cost little beside the server. */
async function read() {
  const { PORT, LOCATION } = process.env;
  const delays = [];
  let open = 0;
  const ready = Promise.withResolvers?.() ?? deferred();
  for (let reader = 0; reader < readers; reader++) {
    const socket = connect(Number(PORT), '127.0.0.1');
    const head = `GET ${LOCATION} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;
    socket.write(head);
    let rest = '';
    socket.once('data', () => ++open === readers && ready.resolve());
    socket.on('data', (piece) => {
      const now = process.hrtime.bigint();
      const text = rest + piece.latin1Slice();
      let end = 0;
      for (const { 0: found, 1: at, index } of text.matchAll(/at=(\d+);/g)) {
        delays.push(Number(now - BigInt(at)) / 1e6);
        end = index + found.length;
      }
      rest = text.slice(Math.max(end, text.length - 40));
    });
    if (reader % 50 === 49) await setTimeout(20);
  }
  await ready.promise;
  process.on('message', () => {
    delays.sort((a, b) => a - b);
    const at = (share) => +delays[Math.floor((delays.length - 1) * share)].toFixed(1);
    const figures = { p50: at(0.5), p99: at(0.99), max: at(1) };
    process.send({ delays: figures, lines: delays.length });
  });
  process.send('ready');
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}

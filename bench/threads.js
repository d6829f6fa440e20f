// The p99 of a request's time while a job burns a core for 10 s: in a thread, and in the process of the server.
// Run after `npm run build`: node bench/threads.js [seconds]
import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { get } from 'node:http';
import { isMainThread } from 'node:worker_threads';
import { Background, BackgroundModule } from '../dist/index.js';

const SECONDS = Number(process.argv[2] ?? 10);

class Burner {
  async inThread(seconds) {
    burn(seconds);
  }

  async inProcess(seconds) {
    burn(seconds);
  }
}
decorate(Burner.prototype, 'inThread', Background({ thread: true }));
decorate(Burner.prototype, 'inProcess', Background());
Injectable()(Burner);

class PingController {
  ping() {
    return 'pong';
  }
}
decorate(PingController.prototype, 'ping', Get('ping'));
Controller()(PingController);

/** The application of a thread: this very file is its module. */
export default () => root({});

if (isMainThread) await main();

async function main() {
  const threads = { app: new URL(import.meta.url) };
  const app = await NestFactory.create(root({ threads }), { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/ping`;
  const burner = app.get(Burner);
  // Once for each before it counts: the thread starts its application with its first job.
  await burner.inThread(0.1);
  for (let count = 0; count < 200; count++) await answerFrom(url);
  // Beside what the machine makes of the same requests when nothing burns.
  const idle = new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const rows = [{ where: 'idle', ...(await timesWhile(idle, url)) }];
  for (const where of ['inThread', 'inProcess']) {
    rows.push({ where, ...(await timesWhile(burner[where](SECONDS), url)) });
  }
  console.table(rows);
  await app.close();
  if (rows[1]['p99, ms'] >= 20) process.exitCode = 1;
}

/** A request every 25 ms from when each was due, so that those that could not be sent count as late as well. */
async function timesWhile(job, url) {
  let done = false;
  void job.finally(() => (done = true));
  const times = [];
  const pending = [];
  for (let due = performance.now(); !done; due += 25) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    pending.push(answerFrom(url).then(() => times.push(performance.now() - due)));
  }
  await Promise.all(pending);
  times.sort((a, b) => a - b);
  const at = (part) => Math.round(10 * times[Math.floor(part * (times.length - 1))]) / 10;
  return { requests: times.length, 'p50, ms': at(0.5), 'p99, ms': at(0.99), 'max, ms': at(1) };
}

/** On a connection of its own: one that is kept may time out while the server burns. */
function answerFrom(url) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => response.resume().on('end', resolve)).on(
      'error',
      reject,
    );
  });
}

function burn(seconds) {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end);
}

function root(options) {
  class Root {}
  const imports = [BackgroundModule.forRoot(options)];
  Module({ imports, providers: [Burner], controllers: [PingController] })(Root);
  return Root;
}

function decorate(prototype, key, decorator) {
  const found = Object.getOwnPropertyDescriptor(prototype, key);
  Object.defineProperty(prototype, key, Reflect.decorate([decorator], prototype, key, found));
}

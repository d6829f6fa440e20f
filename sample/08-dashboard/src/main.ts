import type { AddressInfo, Server } from 'node:net';
import type { INestApplication, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';

const HOST = process.env.HOST ?? '127.0.0.1';
const PORT = Number(process.env.PORT ?? 3000);
const LOGGER: LogLevel[] = ['fatal', 'warn'];

/** Express, or Fastify with ADAPTER=fastify. */
function create(): Promise<INestApplication> {
  const options = { logger: LOGGER };
  return process.env.ADAPTER === 'fastify'
    ? NestFactory.create(AppModule, new FastifyAdapter(), options)
    : NestFactory.create(AppModule, options);
}

async function main(): Promise<void> {
  const app = await create();
  app.enableShutdownHooks();
  await app.listen(PORT, HOST);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  console.log(`Open http://${HOST === '127.0.0.1' ? 'localhost' : HOST}:${port}/ and send`);
}

main().catch((error: NodeJS.ErrnoException) => {
  const taken = `Port ${PORT} is taken. Choose another, as in PORT=${PORT + 1}.`;
  console.error(error.code === 'EADDRINUSE' ? taken : error);
  process.exitCode = 1;
});

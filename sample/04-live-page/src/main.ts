import type { AddressInfo, Server } from 'node:net';
import type { INestApplication, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';

const HOST = process.env.HOST ?? '127.0.0.1';
const PORT = Number(process.env.PORT ?? 3000);
const LOGGER: LogLevel[] = ['error', 'warn'];

/** Express, or Fastify with ADAPTER=fastify. The upload comes as text; Fastify reads that by itself. */
async function create(): Promise<INestApplication> {
  const options = { logger: LOGGER };
  if (process.env.ADAPTER === 'fastify') {
    return NestFactory.create(AppModule, new FastifyAdapter(), options);
  }
  const app = await NestFactory.create<NestExpressApplication>(AppModule, options);
  app.useBodyParser('text');
  return app;
}

async function main(): Promise<void> {
  const app = await create();
  app.enableShutdownHooks();
  await app.listen(PORT, HOST);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  console.log(`Open http://${HOST === '127.0.0.1' ? 'localhost' : HOST}:${port}/ and import`);
}

main().catch((error: NodeJS.ErrnoException) => {
  const taken = `Port ${PORT} is taken. Choose another, as in PORT=${PORT + 1}.`;
  console.error(error.code === 'EADDRINUSE' ? taken : error);
  process.exitCode = 1;
});

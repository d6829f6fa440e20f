import type { AddressInfo, Server } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const HOST = process.env.HOST ?? '127.0.0.1';
const PORT = Number(process.env.PORT ?? 3000);

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(PORT, HOST);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const name = HOST === '127.0.0.1' ? 'localhost' : HOST;
  console.log(`Open  http://${name}:${port}/primes/5000000 and refresh, or`);
  console.log(`run   curl -L http://${name}:${port}/primes/5000000`);
  console.log(`and   http://${name}:${port}/ping meanwhile`);
}

main().catch((error: NodeJS.ErrnoException) => {
  const taken = `Port ${PORT} is taken. Choose another, as in PORT=${PORT + 1}.`;
  console.error(error.code === 'EADDRINUSE' ? taken : error);
  process.exitCode = 1;
});

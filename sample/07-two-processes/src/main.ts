import type { AddressInfo, Server } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const HOST = process.env.HOST ?? '127.0.0.1';
const PORT = Number(process.env.PORT ?? 3000);

/** The web process: takes requests and shows jobs, runs none. */
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule.forProcess(false), { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await app.listen(PORT, HOST);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const name = HOST === '127.0.0.1' ? 'localhost' : HOST;
  console.log(`Open     http://${name}:${port}/ in a browser, and start a worker: npm run worker`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** The worker process: runs jobs, serves nothing. Start as many as you like, and end any of them. */
async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule.forProcess(true), {
    logger: ['error', 'warn'],
  });
  app.enableShutdownHooks();
  console.log(`Working in process ${process.pid}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { background, BackgroundModule, jobOf, transparent } from 'nestjs-background';
import { SlowService } from './slow-service.js';
import { withoutTimeouts, withTimeouts } from './slow-tasks.js';

@Module({ imports: [BackgroundModule.forRoot({ concurrency: 1 })], providers: [SlowService] })
class AppModule {}

async function main(): Promise<void> {
  await withoutTimeouts();
  await withTimeouts();

  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const slow = app.get(SlowService);
  const page = jobOf(slow.page('a', 'b', 'c'));
  console.log('rows:', await transparent(page).rows.length);
  console.log('counted by a job that was given the future:', await background(slow).count(page));
  console.log('a chain of jobs on one slot:', await slow.descend(1000));
  slow.partner = jobOf(slow.embrace());
  console.log(await slow.partner.catch((error: Error) => `${error.name}: ${error.message}`));
  await app.close();
}

await main();

import { Module } from '@nestjs/common';
import { BackgroundModule } from 'nestjs-background';
import { HelloController } from './hello.controller.js';
import { JobsController } from './jobs.controller.js';
import { LongRunning } from './long-running.js';

@Module({
  imports: [BackgroundModule.forRoot()],
  controllers: [HelloController, JobsController],
  providers: [LongRunning],
})
export class AppModule {}

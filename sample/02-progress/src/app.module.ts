import { Module } from '@nestjs/common';
import { BackgroundModule } from 'nestjs-background';
import { ProgressController } from './progress.controller.js';

@Module({
  imports: [BackgroundModule.forRoot()],
  controllers: [ProgressController],
})
export class AppModule {}

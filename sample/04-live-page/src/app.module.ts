import { Module } from '@nestjs/common';
import { BackgroundModule } from 'nestjs-background';
import { ImportsController } from './imports.controller.js';
import { Imports } from './imports.js';

@Module({
  imports: [BackgroundModule.forRoot({ output: { console: 'capture' } })],
  controllers: [ImportsController],
  providers: [Imports],
})
export class AppModule {}

import { Module } from '@nestjs/common';
import { BackgroundModule } from 'nestjs-background';
import { PrimesController } from './primes.controller.js';
import { Primes } from './primes.js';

@Module({
  imports: [
    BackgroundModule.forRoot({ threads: { app: new URL('./worker-app.js', import.meta.url) } }),
  ],
  controllers: [PrimesController],
  providers: [Primes],
})
export class AppModule {}

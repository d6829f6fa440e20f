import { Module } from '@nestjs/common';
import { BackgroundModule } from 'nestjs-background';
import { Primes } from './primes.js';

@Module({ imports: [BackgroundModule.forRoot()], providers: [Primes] })
class WorkerModule {}

/** Each thread makes an application of this module, with its own instance of Primes. */
export default (): typeof WorkerModule => WorkerModule;

import { Controller, Get, Param, ParseIntPipe } from '@nestjs/common';
import { Backgrounder } from 'nestjs-background';
import { Primes } from './primes.js';

@Controller()
export class PrimesController {
  constructor(private readonly primes: Primes) {}

  @Backgrounder()
  @Get('primes/:limit')
  count(@Param('limit', ParseIntPipe) limit: number): void {
    void this.primes.countUpTo(limit);
  }

  @Get('ping')
  ping(): string {
    return 'pong';
  }
}

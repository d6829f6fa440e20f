import { Injectable } from '@nestjs/common';
import { Background, currentJob, print, setProgress } from 'nestjs-background';

@Injectable()
export class Primes {
  @Background({ thread: true, timeout: '1m' })
  async countUpTo(limit: number): Promise<number> {
    const { signal } = currentJob()!;
    let found = 0;
    for (let candidate = 2; candidate <= limit; candidate++) {
      if (isPrime(candidate)) found += 1;
      if (candidate % 100_000 !== 0) continue;
      // Seen even though this loop never lets the event loop of its thread turn.
      signal.throwIfAborted();
      setProgress((100 * candidate) / limit);
      print(`${found} primes up to ${candidate}`);
    }
    print(`${found} primes in all`);
    return found;
  }
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}

import type { LoggerService } from '@nestjs/common';

export interface LogLine {
  readonly level: 'log' | 'warn' | 'error' | 'fatal';
  readonly text: string;
  readonly stack?: string;
}

/** Keeps what the application logs, for tests about what is logged. */
export class MemoryLogger implements LoggerService {
  readonly lines: LogLine[] = [];

  log(message: unknown): void {
    this.#keep('log', message);
  }

  warn(message: unknown): void {
    this.#keep('warn', message);
  }

  error(message: unknown, stack?: string): void {
    this.#keep('error', message, stack);
  }

  fatal(message: unknown): void {
    this.#keep('fatal', message);
  }

  /** Lines of a level that contain a text. */
  containing(level: LogLine['level'], text: string): LogLine[] {
    return this.lines.filter((line) => line.level === level && line.text.includes(text));
  }

  #keep(level: LogLine['level'], message: unknown, stack?: string): void {
    this.lines.push({ level, text: String(message), stack });
  }
}

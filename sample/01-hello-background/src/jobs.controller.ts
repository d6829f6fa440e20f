import { Controller, Get } from '@nestjs/common';
import { BackgroundService, type Job } from 'nestjs-background';

/** What web.py's `threaddbviewer` shows: every job that is kept. In earnest, put a guard before it. */
@Controller('jobs')
export class JobsController {
  constructor(private readonly background: BackgroundService) {}

  @Get()
  list(): Promise<Job[]> {
    return this.background.list();
  }
}

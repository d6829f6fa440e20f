import { Module } from '@nestjs/common';
import { BackgroundModule } from 'nestjs-background';
import { BackgroundDashboardModule } from 'nestjs-background/dashboard';
import { NewsletterController } from './newsletter.controller.js';
import { Newsletter } from './newsletter.js';
import { PasswordGuard } from './password.guard.js';

@Module({
  imports: [
    BackgroundModule.forRoot({ output: { console: 'capture' } }),
    BackgroundDashboardModule.forRoot({ path: 'admin/jobs', guards: [PasswordGuard] }),
  ],
  controllers: [NewsletterController],
  providers: [Newsletter],
})
export class AppModule {}

import {
  Controller,
  Get,
  Post,
  Req,
  Res,
  UseGuards,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import type { PlatformRequest, PlatformResponse } from '../http/http-door.js';
import { Dashboard } from './dashboard.js';

/** The routes of one dashboard. Each has a class of its own, since path and guards are noted on the class. */
export function dashboardController(
  path: string,
  guards: readonly (Type<CanActivate> | CanActivate)[],
): Type {
  @Controller(path)
  @UseGuards(...guards)
  class BackgroundDashboard {
    constructor(private readonly dashboard: Dashboard) {}

    @Get()
    show(
      @Req() request: PlatformRequest,
      @Res({ passthrough: true }) response: PlatformResponse,
    ): Promise<void> {
      return this.dashboard.show(request, response);
    }

    @Post()
    act(
      @Req() request: PlatformRequest,
      @Res({ passthrough: true }) response: PlatformResponse,
    ): Promise<void> {
      return this.dashboard.act(request, response);
    }
  }
  return BackgroundDashboard;
}

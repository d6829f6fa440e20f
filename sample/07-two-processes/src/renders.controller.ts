import { Controller, Get, ParseIntPipe, DefaultValuePipe, Query } from '@nestjs/common';
import { Backgrounder, print } from 'nestjs-background';
import { Renders } from './renders.js';

@Controller()
export class RendersController {
  constructor(private readonly renders: Renders) {}

  @Backgrounder()
  @Get()
  render(@Query('frames', new DefaultValuePipe(10), ParseIntPipe) frames: number): void {
    print(`asked for in process ${process.pid}`);
    void this.renders.render(frames);
  }
}

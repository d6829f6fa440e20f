import { Body, Controller, Get, Header, Post } from '@nestjs/common';
import { Backgrounder } from 'nestjs-background';
import { Imports } from './imports.js';

const FORM = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Import people</title>
<h1>Import people</h1>
<form method="post" action="/import" enctype="text/plain">
<p><label>One a line, with a comma between name and place:<br>
<textarea name="csv" rows="8" cols="40">
Ada, London
Grace, New York
nobody knows
Edsger, Rotterdam
Barbara, Boston</textarea></label></p>
<p><button>Import</button></p>
</form></html>
`;

@Controller()
export class ImportsController {
  constructor(private readonly imports: Imports) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  form(): string {
    return FORM;
  }

  /** 303 to /import?_t=<id>: the live page of what was started here. */
  @Backgrounder({ cancel: true })
  @Post('import')
  start(@Body() body: unknown): void {
    const csv = String(body).replace(/^csv=/, '').replaceAll('\r', '');
    void this.imports.import(csv);
  }
}

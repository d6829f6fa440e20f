import { Controller, Get, Header, Post } from '@nestjs/common';
import { background, Backgrounder } from 'nestjs-background';
import { Newsletter } from './newsletter.js';

const FORM = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Newsletter</title>
<h1>Newsletter</h1>
<form method="post" action="/send"><p><button>Send it now</button></p></form>
<form method="post" action="/plan"><p><button>Send it in an hour</button></p></form>
<p><a href="/admin/jobs">All jobs</a> (the password is "letmein")</p></html>
`;

@Controller()
export class NewsletterController {
  #issue = 0;

  constructor(private readonly newsletter: Newsletter) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  form(): string {
    return FORM;
  }

  @Backgrounder()
  @Post('send')
  send(): void {
    void this.newsletter.send(++this.#issue);
  }

  @Backgrounder()
  @Post('plan')
  plan(): void {
    void background(this.newsletter, { delay: '1h' }).send(++this.#issue);
  }
}

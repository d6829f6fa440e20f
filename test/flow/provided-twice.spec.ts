import { Injectable, Scope, type DynamicModule, type Provider } from '@nestjs/common';
import { afterEach, expect, it } from '@jest/globals';
import { Background, memoryTracker } from '../../src/index.js';
import { closeApps, startApp } from '../support/test-app.js';

afterEach(closeApps);

@Injectable()
class Mails {
  @Background()
  async send(): Promise<void> {}
}

@Injectable()
class UniqueMails {
  @Background({ unique: { key: () => 'one' } })
  async send(): Promise<void> {}
}

@Injectable({ scope: Scope.REQUEST })
class MailsOfRequest extends Mails {}

@Injectable({ scope: Scope.TRANSIENT })
class TransientMails extends Mails {}

const durable = (): object => ({ tracker: Object.assign(memoryTracker(), { durable: true }) });

function inModule(name: string, ...providers: Provider[]): DynamicModule {
  return { module: { [name]: class {} }[name]!, providers };
}

async function warningsOf(background: object, ...providers: Provider[]): Promise<string[]> {
  const imports = [inModule('TenantA', ...providers), inModule('TenantB', ...providers)];
  const { log } = await startApp({ imports, background });
  return log.containing('warn', 'is provided').map(({ text }) => text);
}

it('A class with several instances is warned of where its jobs are found by their names', async () => {
  const [warning, ...others] = await warningsOf(durable(), Mails);
  expect(warning).toMatch(/^Mails .* 2 times \(in TenantA, TenantB\).* subclass of Mails/);
  expect(others).toEqual([]);
  expect(await warningsOf({}, UniqueMails)).toHaveLength(1);
});

it('No other class is: one that is called on its instance, or has one for each request or user anyway', async () => {
  expect(await warningsOf({}, Mails)).toEqual([]);
  expect(await warningsOf(durable(), MailsOfRequest, TransientMails)).toEqual([]);
  expect(await warningsOf(durable(), { provide: Mails, useValue: new Mails() })).toEqual([]);
});

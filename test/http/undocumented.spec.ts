import { afterEach, expect, it } from '@jest/globals';
import { Controller, Post, Put, SetMetadata } from '@nestjs/common';
import { Backgrounder } from '../../src/index.js';
import { closeApps, startApp } from '../support/test-app.js';

@Controller('reports')
class Reports {
  @Backgrounder({ cancel: true })
  @SetMetadata('roles', ['editor'])
  @SetMetadata('swagger/apiParameters', [{ in: 'body', name: 'report' }])
  @SetMetadata('swagger/apiExcludeEndpoint', { disable: false })
  @Put()
  put(): void {}

  @Backgrounder()
  @SetMetadata('roles', ['editor'])
  @SetMetadata('swagger/apiResponse', { 201: {} })
  @Post('shared')
  create(): void {}

  @Backgrounder()
  @SetMetadata('roles', ['editor'])
  @Put('shared')
  replace(): void {}
}

function metadataOf(handler: string): Record<string, unknown> {
  const method: unknown = Reflect.get(Reports.prototype, handler);
  const keys = Reflect.getMetadataKeys(method as Function) as string[];
  return Object.fromEntries(
    keys.map((key) => [key, Reflect.getMetadata(key, method as Function) as unknown]),
  );
}

afterEach(closeApps);

it.each(['put$job', 'put$cancel', 'create$job'])(
  'A companion is under the rules of the handler, and not in the OpenAPI document: %s',
  async (companion) => {
    await using app = await startApp({ controllers: [Reports] });
    expect(app.log.containing('error', '')).toEqual([]);
    const metadata = metadataOf(companion);
    expect(metadata).toMatchObject({ roles: ['editor'] });
    const documentation = Object.entries(metadata).filter(([key]) => key.startsWith('swagger/'));
    expect(documentation).toEqual([['swagger/apiExcludeEndpoint', { disable: true }]]);
  },
);

it('The handler itself is documented as before', async () => {
  await using app = await startApp({ controllers: [Reports] });
  expect(app.log.containing('error', '')).toEqual([]);
  expect(metadataOf('put')).toMatchObject({
    'swagger/apiParameters': [{ in: 'body', name: 'report' }],
    'swagger/apiExcludeEndpoint': { disable: false },
  });
});

it('Documentation keeps no two handlers from sharing a companion', async () => {
  await using app = await startApp({ controllers: [Reports] });
  expect(app.log.containing('error', '')).toEqual([]);
  expect(Reflect.has(Reports.prototype, 'replace$job')).toBe(false);
});

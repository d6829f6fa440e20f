import type { ModulesContainer } from '@nestjs/core';
import { isDataSource, type DataSourceLike } from '../transaction/typeorm-shape.js';

const SUFFIX = 'DataSource';

/** The TypeORM DataSources of an application by name, however they came into it. */
export function dataSourcesOf(modules: ModulesContainer): ReadonlyMap<string, DataSourceLike> {
  const found = new Map<string, DataSourceLike>();
  for (const { providers } of modules.values()) {
    for (const [token, { instance }] of providers) {
      const value: unknown = instance;
      const isKnown = [...found.values()].includes(value as DataSourceLike);
      if (isDataSource(value) && !isKnown) found.set(nameOf(token, value), value);
    }
  }
  return found;
}

/** As `@nestjs/typeorm` makes its tokens: the class itself, or `<name>DataSource`. */
function nameOf(token: unknown, { options }: DataSourceLike): string {
  const isNamed = typeof token === 'string' && token.endsWith(SUFFIX) && token !== SUFFIX;
  return isNamed ? token.slice(0, -SUFFIX.length) : (options.name ?? 'default');
}

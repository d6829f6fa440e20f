import { BackgroundError } from '../../errors/background.error.js';
import { isDataSource, type DataSourceLike } from './data-source-like.js';

/** The DataSource that the tracker writes to. @throws BackgroundError where that is not clear. */
export function chooseDataSource(
  wanted: object | string | undefined,
  found: ReadonlyMap<string, object>,
): DataSourceLike {
  const chosen = typeof wanted === 'object' ? wanted : found.get(wanted ?? onlyNameOf(found));
  if (!isDataSource(chosen))
    throw unknown(typeof wanted === 'string' ? wanted : '(an object)', found);
  if (chosen.isInitialized) return chosen;
  throw new BackgroundError(
    `The DataSource of typeOrmTracker() is not connected. Leave { manualInitialization } out, or call initialize() ` +
      `on it before the application starts.`,
  );
}

function onlyNameOf(found: ReadonlyMap<string, object>): string {
  if (found.has('default')) return 'default';
  const [name] = found.keys();
  if (name !== undefined && found.size === 1) return name;
  const remedy =
    name === undefined
      ? 'Import TypeOrmModule.forRoot(), or give it one: typeOrmTracker({ dataSource }).'
      : `Name one of them: ${names(found)}: typeOrmTracker({ dataSource: '${name}' }).`;
  throw new BackgroundError(
    `typeOrmTracker() found ${found.size} DataSources in the application. ${remedy}`,
  );
}

function unknown(wanted: string, found: ReadonlyMap<string, object>): BackgroundError {
  return new BackgroundError(
    `typeOrmTracker() found no DataSource "${wanted}". ` +
      (found.size > 0
        ? `There are: ${names(found)}.`
        : 'Import TypeOrmModule.forRoot(), or give it one: typeOrmTracker({ dataSource }).'),
  );
}

function names(found: ReadonlyMap<string, object>): string {
  return [...found.keys()].map((name) => `"${name}"`).join(', ');
}

import { VERSION_NEUTRAL, VersioningType, type VersioningOptions } from '@nestjs/common';
import { ANY_VERSION, type Route } from './route-path.js';

/** The route with the versions that count in an application. Without versioning, none does. */
export function versioned(route: Route, options: VersioningOptions | undefined): Route {
  if (!options) return { ...route, versions: [ANY_VERSION] };
  const versions = route.versions.flatMap(
    (version) => version ?? options.defaultVersion ?? VERSION_NEUTRAL,
  );
  // In a path, no version is a path of its own.
  const isForAll = options.type !== VersioningType.URI && versions.length === 1;
  const takesAll = isForAll && versions[0] === VERSION_NEUTRAL;
  return { ...route, versions: takesAll ? [ANY_VERSION] : versions };
}

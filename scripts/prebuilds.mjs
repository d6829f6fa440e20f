// Native packages that this installation has compiled, ready for installations of the same version beside it: to compile
// SQLite takes minutes where no ready-made program can be downloaded.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ADDON = 'build/Release/better_sqlite3.node';

/**
 * Packs better-sqlite3 as `prebuild-install` looks for it; where it finds no such file, it downloads or compiles.
 * @returns {Record<string, string>} what an installation needs in its environment to look there
 */
export function offerPrebuilds(root, folder) {
  const home = join(root, 'node_modules/better-sqlite3');
  if (!existsSync(join(home, ADDON))) return {};
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const { platform, arch, versions } = process;
  const name = `better-sqlite3-v${version}-node-v${versions.modules}-${platform}-${arch}.tar.gz`;
  execFileSync('tar', ['-czf', join(folder, name), '-C', home, ADDON]);
  return { npm_config_better_sqlite3_local_prebuilds: folder };
}

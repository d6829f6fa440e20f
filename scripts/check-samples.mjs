// Every sample against the packed tarball: installed, type-checked, started, smoke-tested.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inTemporaryFolder, pack, ROOT, smokeTest, stage } from './staging.mjs';

const samples = readdirSync(join(ROOT, 'sample')).sort();

inTemporaryFolder((folder) => {
  const applications = samples.map((name) => ({ name, source: join(ROOT, 'sample', name) }));
  stage(folder, pack(folder).file, applications);
  for (const name of samples) smokeTest(folder, name);
});

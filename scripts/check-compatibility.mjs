// The first sample against the packed tarball, in the surroundings that the package promises to work in.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editJson, inTemporaryFolder, pack, ROOT, run, smokeTest, stage } from './staging.mjs';

const source = join(ROOT, 'sample', '01-hello-background');

// Each Nest has an install of its own, as the package must find the application's.
const surroundings = [
  [
    { name: 'nest-11-express', nest: 11 },
    { name: 'nest-11-express-commonjs', nest: 11, commonjs: true },
    { name: 'nest-11-fastify-commonjs', nest: 11, commonjs: true, fastify: true },
  ],
  [
    { name: 'nest-12-express-commonjs', nest: 12, commonjs: true },
    { name: 'nest-12-fastify', nest: 12, fastify: true },
  ],
];

inTemporaryFolder((folder) => {
  const { file } = pack(folder);
  for (const variants of surroundings)
    check(join(folder, `nest-${variants[0].nest}`), file, variants);
});

function check(folder, tarball, variants) {
  const applications = variants.map((variant) => ({
    name: variant.name,
    source,
    change: (target) => adapt(target, variant),
  }));
  mkdirSync(folder);
  const nest = `^${variants[0].nest}.0.0`;
  // At the root too, or npm would bring the newest as the package's peer.
  stage(folder, tarball, applications, { '@nestjs/common': nest, '@nestjs/core': nest });
  checkVersion(folder, variants[0].nest);
  for (const { name } of variants) smokeTest(folder, name);
}

function checkVersion(folder, nest) {
  const installed = run('npm', ['query', '[name="@nestjs/core"]'], { cwd: folder });
  const versions = JSON.parse(installed).map(({ version }) => version);
  if (versions.length !== 1 || !versions[0].startsWith(`${nest}.`)) {
    throw new Error(`Nest ${nest} was wanted, and installed was ${versions.join(' and ')}.`);
  }
}

function adapt(target, { nest, commonjs, fastify }) {
  editJson(join(target, 'package.json'), (manifest) => ({
    ...manifest,
    type: commonjs ? 'commonjs' : 'module',
    dependencies: dependenciesFor(manifest.dependencies, nest, fastify),
  }));
  if (fastify) editText(join(target, 'src/main.ts'), useFastify);
}

function dependenciesFor(dependencies, nest, fastify) {
  const entries = Object.entries(dependencies).map(([name, range]) =>
    name.startsWith('@nestjs/') ? [platformName(name, fastify), `^${nest}.0.0`] : [name, range],
  );
  return Object.fromEntries(entries);
}

function platformName(name, fastify) {
  return fastify ? name.replace('platform-express', 'platform-fastify') : name;
}

function useFastify(text) {
  const created = text.replace('create(AppModule,', 'create(AppModule, new FastifyAdapter(),');
  if (created === text) throw new Error('main.ts no longer creates the application as expected.');
  return `import { FastifyAdapter } from '@nestjs/platform-fastify';\n${created}`;
}

function editText(file, edit) {
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
}

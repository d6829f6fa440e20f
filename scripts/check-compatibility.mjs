// Samples against the packed tarball, in the surroundings that the package promises to work in.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

// The tables of the tracker in both ways: from a migration, and from entities.
const TABLES = `const tables = process.env.PG_URL ? backgroundEntities : [];
const migrations = process.env.PG_URL ? [] : [CreateBackgroundTables];
`;

inTemporaryFolder((folder) => {
  const { file } = pack(folder);
  for (const variants of surroundings)
    check(join(folder, `nest-${variants[0].nest}`), file, variants);
  checkOldTypeOrm(join(folder, 'typeorm-0.3'), file);
});

/** The sample of transactions, its jobs kept by typeOrmTracker(), on a SQLite file and on PostgreSQL. */
function checkOldTypeOrm(folder, tarball) {
  const name = 'nest-11-typeorm-0.3';
  const versions = { ...wanted(11), typeorm: '^0.3.20' };
  mkdirSync(folder);
  const application = {
    name,
    source: join(ROOT, 'sample', '03-transactions'),
    change: (target) => keepInDatabase(target, versions),
  };
  stage(folder, tarball, [application], versions);
  checkVersion(folder, '@nestjs/core', '11.');
  checkVersion(folder, 'typeorm', '0.3.');
  smokeTest(folder, name);
}

function keepInDatabase(target, versions) {
  adapt(target, { nest: 11 });
  editJson(join(target, 'package.json'), (manifest) => ({
    ...manifest,
    dependencies: { ...manifest.dependencies, ...versions },
  }));
  cpSync(join(ROOT, 'scripts/compatibility'), join(target, 'test'), { recursive: true });
  editText(join(target, 'src/app.module.ts'), (text) =>
    text
      .replace(
        'BackgroundModule.forRoot()',
        'BackgroundModule.forRoot({ tracker: typeOrmTracker() })',
      )
      .replace('{ BackgroundModule }', '{ BackgroundModule, typeOrmTracker }')
      .replace('entities: [Group]', 'entities: [Group, ...tables], migrations, migrationsRun: true')
      .replace('@Module({', `${TABLES}\n@Module({`)
      .replace(
        'import { Group }',
        "import { backgroundEntities, CreateBackgroundTables } from 'nestjs-background/typeorm';\nimport { Group }",
      ),
  );
}

function wanted(nest) {
  return { '@nestjs/common': `^${nest}.0.0`, '@nestjs/core': `^${nest}.0.0` };
}

function check(folder, tarball, variants) {
  const applications = variants.map((variant) => ({
    name: variant.name,
    source,
    change: (target) => adapt(target, variant),
  }));
  mkdirSync(folder);
  // At the root too, or npm would bring the newest as the package's peer.
  stage(folder, tarball, applications, wanted(variants[0].nest));
  checkVersion(folder, '@nestjs/core', `${variants[0].nest}.`);
  for (const { name } of variants) smokeTest(folder, name);
}

function checkVersion(folder, name, prefix) {
  const installed = run('npm', ['query', `[name="${name}"]`], { cwd: folder });
  const versions = JSON.parse(installed).map(({ version }) => version);
  if (versions.length !== 1 || !versions[0].startsWith(prefix)) {
    throw new Error(`${name} ${prefix}x was wanted, and installed was ${versions.join(' and ')}.`);
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

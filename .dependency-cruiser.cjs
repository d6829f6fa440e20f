/**
 * The house has one direction: a folder imports only from folders above it in this list. The adapters stand between
 * `dispatch` and `runtime`, and never see each other.
 */
const FLOORS = [
  'job',
  'errors',
  'output',
  'tracker',
  'engine',
  'registry',
  'context',
  'future',
  'transaction',
  'run',
  'dispatch',
  'ADAPTERS',
  'runtime',
  'decorators',
  'http',
  'dashboard',
  'module',
  'testing',
];
const ADAPTERS = [
  'tracker/memory',
  'tracker/typeorm',
  'tracker/redis',
  'engine/local',
  'engine/threads',
  'engine/bullmq',
];
const adapterPath = `^src/(${ADAPTERS.join('|')})/`;

const folderPath = (floor) => (floor === 'ADAPTERS' ? adapterPath : `^src/${floor}/`);
const notAdapter = (floor) => (floor === 'ADAPTERS' ? undefined : adapterPath);

const downward = FLOORS.map((floor, index) => ({
  name: `${floor}-imports-only-from-above`,
  severity: 'error',
  from: { path: folderPath(floor), pathNot: notAdapter(floor) },
  to: {
    path: FLOORS.slice(index + 1).map(folderPath),
    ...(index < FLOORS.indexOf('ADAPTERS') ? {} : { pathNot: undefined }),
  },
})).filter((rule) => rule.to.path.length > 0);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    ...downward,
    {
      name: 'adapters-never-see-each-other',
      severity: 'error',
      from: { path: adapterPath },
      to: { path: adapterPath, pathNot: '^src/$1/' },
    },
    {
      name: 'contracts-do-not-know-adapters',
      severity: 'error',
      from: { path: '^src/(tracker|engine)/[^/]+$' },
      to: { path: adapterPath },
    },
    {
      name: 'no-inner-barrel',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(index|testing/index).ts$' },
      to: { path: '/index.ts$' },
    },
    { name: 'no-orphan', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
    {
      name: 'declared-dependencies-only',
      severity: 'error',
      from: { path: '^src/' },
      // An optional peer counts as `npm-no-pkg` too, for its place in `peerDependenciesMeta`.
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        dependencyTypesNot: ['npm-peer'],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

// What is published: only what it should, complete, and with a main entry that asks for no optional peer.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';
import { inTemporaryFolder, pack, ROOT } from './staging.mjs';

const SHIPPED = [
  /^dist\/.+\.(c?js|c?js\.map|d\.c?ts)$/,
  /^docs\/[a-z-]+\.md$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^package\.json$/,
];

const FORMAT = {
  getCanonicalFileName: (file) => file,
  getCurrentDirectory: () => ROOT,
  getNewLine: () => '\n',
};
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { files, tarball } = inTemporaryFolder(packed);
const problems = [...misplaced(), ...(await lint()), ...leaks(), ...mistyped()];

problems.forEach((problem) => console.error(problem));
if (problems.length > 0) process.exitCode = 1;
else console.log('ok  package');

function packed(folder) {
  const { file, files } = pack(folder);
  return { files, tarball: new Uint8Array(readFileSync(file)).buffer };
}

function misplaced() {
  const strays = files.filter((file) => !SHIPPED.some((pattern) => pattern.test(file)));
  const wanted = ['README.md', 'docs/http.md', 'CHANGELOG.md', 'LICENSE', ...entries()];
  const missing = wanted.filter((file) => !files.includes(file));
  return [
    ...strays.map((file) => `${file} does not belong in the package.`),
    ...missing.map((file) => `${file} is missing in the package.`),
  ];
}

function entries() {
  const targets = Object.values(manifest.exports).flatMap((entry) => Object.values(Object(entry)));
  return targets.filter((target) => target.startsWith?.('./')).map((target) => target.slice(2));
}

async function lint() {
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg)}`);
}

/** What a compiler finds in our declarations where nobody told it to skip them: `skipLibCheck` is off by default. */
function mistyped() {
  const roots = entries().filter((file) => file.endsWith('.d.ts'));
  const options = {
    ...{ strict: true, noEmit: true, skipLibCheck: false, types: ['node'] },
    ...{ target: ts.ScriptTarget.ES2023, lib: ['lib.es2023.d.ts'] },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  };
  const program = ts.createProgram(
    roots.map((file) => join(ROOT, file)),
    options,
  );
  const ours = ts.getPreEmitDiagnostics(program).filter(({ file }) => isOurs(file));
  return ours.map((diagnostic) => ts.formatDiagnostic(diagnostic, FORMAT).trim());
}

function isOurs(file) {
  return file?.fileName.startsWith(join(ROOT, 'dist/'));
}

/** What the types of the main entry name that not everybody has installed. Its code is tried by the samples. */
function leaks() {
  const names = packagesFrom(join(ROOT, manifest.exports['.'].types), new Set());
  const leaked = [...names].filter((name) => !isAlwaysThere(name));
  return leaked.map((name) => `The types of the main entry name ${name}, which is optional.`);
}

function packagesFrom(file, seen) {
  if (seen.has(file)) return new Set();
  seen.add(file);
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
  const names = importedFiles.map(({ fileName }) => fileName);
  const inner = names.filter((name) => name.startsWith('.'));
  const outer = names.filter((name) => !name.startsWith('.'));
  const reached = inner.map((name) => packagesFrom(besides(file, name), seen));
  return new Set([...outer.map(packageOf), ...reached.flatMap((found) => [...found])]);
}

function besides(file, name) {
  return join(dirname(file), name.replace(/\.js$/, '.d.ts'));
}

function packageOf(name) {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function isAlwaysThere(name) {
  if (name.startsWith('node:') || manifest.dependencies[name]) return true;
  return name in manifest.peerDependencies && !manifest.peerDependenciesMeta?.[name]?.optional;
}

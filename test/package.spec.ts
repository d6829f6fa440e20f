import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readPage, ROOT } from './support/markdown.js';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { types: string; default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { optional: boolean }>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}

const manifest = readJson('package.json') as Manifest;
const lock = readJson('package-lock.json') as Lock;
const FRAMEWORK = ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'];

describe('The package', () => {
  it('has an entry for each barrel of src, with types and code of one name', () => {
    const entries = Object.values(manifest.exports).filter((entry) => typeof entry === 'object');
    const sources = entries.map(({ types }) => types.replace('./dist/', 'src/').slice(0, -5));
    expect(sources.map((source) => `${source}.ts`).sort()).toEqual(barrels());
    for (const entry of entries) expect(entry.types).toBe(entry.default.replace(/js$/, 'd.ts'));
  });

  it('asks of everybody only for the framework; any other peer is optional', () => {
    const { peerDependencies, peerDependenciesMeta } = manifest;
    const asked = Object.keys(peerDependencies).filter(
      (name) => !peerDependenciesMeta[name]?.optional,
    );
    expect(asked.sort()).toEqual(FRAMEWORK);
  });

  it('says of each dependency why it is there', () => {
    const page = readPage('docs/dependencies.md');
    const { dependencies, devDependencies, peerDependencies } = manifest;
    const names = Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('has decided on each install script, so that npm has nothing to ask', () => {
    const withScripts = Object.entries(lock.packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => nameOf(path));
    expect(withScripts.filter((name) => !(name in manifest.allowScripts))).toEqual([]);
  });

  it('has a lock file that names no registry', () => {
    expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved)).toEqual([]);
  });

  it('has a lock file with the packages of every platform, without which npm ci refuses it', () => {
    const locked = new Set(Object.keys(lock.packages).map(nameOf));
    const optional = Object.values(lock.packages).flatMap((entry) =>
      Object.keys(entry.optionalDependencies ?? {}),
    );
    expect(optional.filter((name) => !locked.has(name))).toEqual([]);
  });

  it('has a changelog for its version, and samples that ask for it', () => {
    expect(readPage('CHANGELOG.md')).toContain(`## [${manifest.version}]`);
    for (const sample of readdirSync(join(ROOT, 'sample'))) {
      const { dependencies } = readJson(join('sample', sample, 'package.json')) as Manifest;
      expect(dependencies[manifest.name]).toBe(`^${manifest.version}`);
    }
  });
});

function nameOf(path: string): string {
  return path.replace(/.*node_modules\//, '');
}

function barrels(): string[] {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => ['index.ts', 'entry.ts'].includes(basename(file)))
    .map((file) => join('src', file))
    .sort();
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
}

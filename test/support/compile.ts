import { dirname, join } from 'node:path';
import ts from 'typescript';
import { ROOT, type CodeBlock } from './markdown.js';

const OPTIONS: ts.CompilerOptions = {
  ...{ target: ts.ScriptTarget.ES2023, lib: ['lib.es2023.d.ts'], types: ['node'] },
  ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  ...{ strict: true, noEmit: true, skipLibCheck: true },
  ...{ experimentalDecorators: true, emitDecoratorMetadata: true, stripInternal: true },
  paths: {
    'nestjs-background': [join(ROOT, 'src/index.ts')],
    'nestjs-background/typeorm': [join(ROOT, 'src/tracker/typeorm/entry.ts')],
    'nestjs-background/bullmq': [join(ROOT, 'src/engine/bullmq/entry.ts')],
    'nestjs-background/redis': [join(ROOT, 'src/tracker/redis/entry.ts')],
    'nestjs-background/*': [join(ROOT, 'src/*/index.ts')],
  },
};

/** What the compiler has to say of blocks of code, each page's in a folder of its own. */
export function compileErrors(blocks: readonly CodeBlock[]): string[] {
  const files = new Map(blocks.map((block) => [pathOf(block), block]));
  const program = ts.createProgram([...files.keys()], OPTIONS, hostWith(files));
  return diagnosticsOf(program, [...files.keys()]).map((diagnostic) => describe(diagnostic, files));
}

/** Of these files only: the sources that they import are checked by the build, and to do so again takes longest. */
function diagnosticsOf(program: ts.Program, paths: readonly string[]): ts.Diagnostic[] {
  const sources = paths.map((path) => program.getSourceFile(path));
  return [
    ...ts.sortAndDeduplicateDiagnostics([
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...sources.flatMap((source) => program.getSyntacticDiagnostics(source)),
      ...sources.flatMap((source) => program.getSemanticDiagnostics(source)),
    ]),
  ];
}

function pathOf({ place, file }: CodeBlock): string {
  return join(ROOT, 'pages', place.replace(/:\d+$/, ''), file);
}

/** Reads the blocks where their files would be, and all else from the disk. */
function hostWith(files: ReadonlyMap<string, CodeBlock>): ts.CompilerHost {
  const disk = ts.createCompilerHost(OPTIONS);
  const folders = new Set([...files.keys()].flatMap(foldersOf));
  const readFile = (path: string): string | undefined =>
    files.get(path)?.code ?? disk.readFile(path);
  return {
    ...disk,
    readFile,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    // Without this, each package is looked for in folders that are not there.
    directoryExists: (path) => folders.has(path) || disk.directoryExists!(path),
    // As `tsc` does: comments are for editors.
    jsDocParsingMode: ts.JSDocParsingMode.ParseForTypeErrors,
    getSourceFile: (path, language, onError, fresh) => {
      const code = files.get(path)?.code;
      if (code === undefined) return disk.getSourceFile(path, language, onError, fresh);
      return ts.createSourceFile(path, code, language);
    },
  };
}

/** The folders that a file is in, up to the root of the file system. */
function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersOf(folder)];
}

function describe(diagnostic: ts.Diagnostic, files: ReadonlyMap<string, CodeBlock>): string {
  const { file, start } = diagnostic;
  const place = file && (files.get(file.fileName)?.place ?? file.fileName);
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
  return `${place}, line ${line} of the block: ${text}`;
}

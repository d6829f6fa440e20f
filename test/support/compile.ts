import { join } from 'node:path';
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
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => describe(diagnostic, files));
}

function pathOf({ place, file }: CodeBlock): string {
  return join(ROOT, 'pages', place.replace(/:\d+$/, ''), file);
}

/** Reads the blocks where their files would be, and all else from the disk. */
function hostWith(files: ReadonlyMap<string, CodeBlock>): ts.CompilerHost {
  const disk = ts.createCompilerHost(OPTIONS);
  const readFile = (path: string): string | undefined =>
    files.get(path)?.code ?? disk.readFile(path);
  return {
    ...disk,
    readFile,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    directoryExists: undefined,
    getSourceFile: (path, language, onError, fresh) => {
      const code = files.get(path)?.code;
      if (code === undefined) return disk.getSourceFile(path, language, onError, fresh);
      return ts.createSourceFile(path, code, language);
    },
  };
}

function describe(diagnostic: ts.Diagnostic, files: ReadonlyMap<string, CodeBlock>): string {
  const { file, start } = diagnostic;
  const place = file && (files.get(file.fileName)?.place ?? file.fileName);
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
  return `${place}, line ${line} of the block: ${text}`;
}

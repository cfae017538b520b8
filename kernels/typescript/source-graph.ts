/** Which sources a file imports, as the compiler resolved them. */
import type * as ts from '@tslab/typescript-for-tslab';

/** Private to the compiler, and read by nothing else here; a test fails when it moves. */
interface Resolved {
  readonly resolvedModules?: {
    forEach(
      use: (resolution: ts.ResolvedModuleWithFailedLookupLocations, name: string) => void,
    ): void;
  };
}

/** The sources (no declarations, no packages) that `file` imports itself, types included. */
export function importedSources(program: ts.Program, file: ts.SourceFile): ts.SourceFile[] {
  return [...imports(program, file).values()].filter((source) => source !== undefined);
}

/** By the name that `file` gives it; undefined for what is no source. */
function imports(program: ts.Program, file: ts.SourceFile): Map<string, ts.SourceFile | undefined> {
  const found = new Map<string, ts.SourceFile | undefined>();
  (file as unknown as Resolved).resolvedModules?.forEach(({ resolvedModule }, name) => {
    const isPackage = resolvedModule === undefined || resolvedModule.isExternalLibraryImport;
    const source = isPackage ? undefined : program.getSourceFile(resolvedModule.resolvedFileName);
    found.set(name, source?.isDeclarationFile === false ? source : undefined);
  });
  return found;
}

/** `file` and all sources that it needs, however far away. */
export function sourcesBehind(program: ts.Program, file: ts.SourceFile): ts.SourceFile[] {
  const reached = new Set([file]);
  for (const source of reached) {
    for (const imported of importedSources(program, source)) reached.add(imported);
  }
  return [...reached];
}

/**
 * Whether a source may look otherwise to those who import it: its declarations differ between the programs, or name a
 * module among `changed`. True where that cannot be told.
 */
export function outsideChanged(
  before: ts.Program | undefined,
  now: ts.Program,
  file: ts.SourceFile,
  changed: ReadonlySet<ts.SourceFile> = new Set(),
): boolean {
  const declared = declarations(now, file.fileName);
  if (declared === undefined || declared !== declarations(before, file.fileName)) return true;
  const named = declared.matchAll(/(?:from |import\()["']([^"']+)["']/g);
  const imported = imports(now, file);
  return [...named].some(([, name = '']) => {
    const source = imported.get(name);
    return source === undefined ? !imported.has(name) : changed.has(source);
  });
}

/** Text of a source's declaration file, as that program would write it; undefined where it cannot. */
function declarations(program: ts.Program | undefined, fileName: string): string | undefined {
  const file = program?.getSourceFile(fileName);
  let text: string | undefined;
  const write: ts.WriteFileCallback = (_, written) => {
    text = written;
  };
  if (program && file) unchecked(program, () => program.emit(file, write, undefined, true));
  return text;
}

/** Private to the compiler; a test fails when it moves. */
interface Checker {
  getEmitResolver(file: ts.SourceFile, token?: unknown): unknown;
}

/**
 * Before it emits a file, the compiler checks it from end to end; declarations need that of no function's body, and
 * types are found as they are asked for. TypeScript from 5.6 on leaves that check out by itself
 * (emitResolverSkipsTypeChecking). Here it is given a file to check in which there is nothing to check.
 */
function unchecked(program: ts.Program, emit: () => void): void {
  const checker = program.getTypeChecker() as unknown as Checker;
  const { getEmitResolver } = checker;
  const nothing = program.getSourceFiles().find(({ isDeclarationFile }) => isDeclarationFile);
  if (nothing !== undefined)
    checker.getEmitResolver = (_, token) => getEmitResolver(nothing, token);
  try {
    emit();
  } finally {
    checker.getEmitResolver = getEmitResolver;
  }
}

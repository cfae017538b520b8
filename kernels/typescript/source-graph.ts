/** Which sources a file imports, as the compiler resolved them. */
import type * as ts from '@tslab/typescript-for-tslab';

/** Private to the compiler, and read by nothing else here; a test fails when it moves. */
interface Resolved {
  readonly resolvedModules?: {
    forEach(use: (resolution: ts.ResolvedModuleWithFailedLookupLocations) => void): void;
  };
}

/** The sources (no declarations, no packages) that `file` imports itself, types included. */
export function importedSources(program: ts.Program, file: ts.SourceFile): ts.SourceFile[] {
  const found: ts.SourceFile[] = [];
  (file as unknown as Resolved).resolvedModules?.forEach(({ resolvedModule }) => {
    if (resolvedModule === undefined || resolvedModule.isExternalLibraryImport) return;
    const source = program.getSourceFile(resolvedModule.resolvedFileName);
    if (source !== undefined && !source.isDeclarationFile) found.push(source);
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

/** Which sources a file imports, as the compiler resolved them, and what of them. */
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';
import { changedNames, hasAny, type Names, takenBy } from './changed-names';

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
 * Names of a source that may look otherwise to those who import them.
 * @param changed - those of other sources that are known already
 */
export function changedOutside(
  typescript: typeof ts,
  before: ts.Program | undefined,
  now: ts.Program,
  file: ts.SourceFile,
  changed: ReadonlyMap<ts.SourceFile, Names> = new Map(),
): Names {
  const imported = imports(now, file);
  const changedIn = (module: string): Names => {
    // The compiler writes import("…") of modules that the source itself does not name.
    const source = imported.has(module) ? imported.get(module) : besides(now, file, module);
    if (source === undefined) return imported.has(module) ? new Set() : 'all';
    return changed.get(source) ?? new Set();
  };
  const [old, renewed] = [before, now].map((program) => declarations(program, file.fileName));
  return changedNames(typescript, old, renewed, changedIn);
}

/** The source that a relative name leads to from `file`. */
function besides(program: ts.Program, file: ts.SourceFile, module: string) {
  if (!module.startsWith('.')) return undefined;
  const place = path.resolve(path.dirname(file.fileName), module);
  return program.getSourceFile(`${place}.ts`) ?? program.getSourceFile(`${place}/index.ts`);
}

/** Whether `user` takes one of these names from `file`, as far as its statements tell; true where they do not. */
export function takes(
  typescript: typeof ts,
  program: ts.Program,
  user: ts.SourceFile,
  file: ts.SourceFile,
  names: Names,
): boolean {
  const modules = [...imports(program, user)].filter(([, source]) => source === file);
  const called = new Set(modules.map(([module]) => module));
  if (called.size === 0) return false;
  const taken = user.statements.flatMap((statement) => takenBy(typescript, statement) ?? []);
  return (
    taken.some(({ module, original }) => called.has(module) && hasAny(names, original)) ||
    [...user.text.matchAll(INNER_IMPORT)].some(([, module = '']) => called.has(module))
  );
}

/** import('…') as a type or a call, and require('…'). */
const INNER_IMPORT = /\b(?:import|require)\s*\(\s*["']([^"']+)["']/g;

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

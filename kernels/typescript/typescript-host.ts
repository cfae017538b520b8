/**
 * Fits the TypeScript that tslab brings to this project, before tslab's converter is loaded: strict
 * types, cells in any folder, sources checked once per change, source maps for cells.
 *
 * tslab reads its compiler through `require`, so a copy of the module with five functions replaced
 * does it. Written against tslab 1.0.22; a test fails when its internals move.
 */
import fs from 'node:fs';
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';

type TypeScript = typeof ts;
type Builder = ts.EmitAndSemanticDiagnosticsBuilderProgram;

/** What the compiler tells the kernel beside tslab's own result. */
export interface CompilerHost {
  readonly typescript: TypeScript;
  /** Errors in imported sources at the last conversion (tslab would drop those outside its folder). */
  sourceErrors: readonly ts.Diagnostic[];
  /** Sources that changed since the last conversion, absolute paths. */
  changedSources: string[];
  /** Source maps of the last converted cell: TypeScript → ES module, ES module → CommonJS. */
  cellMaps: { toModule?: string; toCommonJs?: string };
  /** Looks for changed files; call it before each conversion. */
  refresh(): void;
}

/** @param root - the repository. @param folder - where the cells live, the notebook's folder. */
export function installCompilerHost(root: string, folder: string): CompilerHost {
  const tslabRequires = { paths: [require.resolve('tslab/dist/converter')] };
  const modulePath = require.resolve('@tslab/typescript-for-tslab', tslabRequires);
  const original: TypeScript = require(modulePath);
  const host: CompilerHost = {
    typescript: original,
    sourceErrors: [],
    changedSources: [],
    cellMaps: {},
    refresh: watchOnDemand(original.sys, folder),
  };
  const cached = require.cache[modulePath];
  if (cached === undefined) throw new Error('tslab loads its TypeScript in an unknown way.');
  cached.exports = {
    ...original,
    createWatchCompilerHost: watchHost(host, commonFolder(root, folder), folder),
    transpileModule: mappedTranspile(host),
    getPreEmitDiagnosticsOfFiles: onceCheckedDiagnostics(host),
  };
  return host;
}

/** TypeScript refuses sources outside `rootDir`; this is the deepest folder that holds both. */
function commonFolder(a: string, b: string): string {
  let folder = a;
  while (path.relative(folder, b).startsWith('..')) folder = path.dirname(folder);
  return folder;
}

/** Files are looked at when a cell is run, not polled meanwhile. */
function watchOnDemand(sys: ts.System, folder: string): () => void {
  const watched = new Map<string, { stamp: string; changed: ts.FileWatcherCallback }>();
  const stampOf = (file: string) => {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.mtimeMs} ${stat.size}`;
  };
  sys.watchFile = (file, changed) => {
    watched.set(path.resolve(folder, file), { stamp: stampOf(file), changed });
    return { close: () => watched.delete(path.resolve(folder, file)) };
  };
  sys.watchDirectory = () => ({ close: () => undefined });
  return () => {
    for (const [file, watcher] of watched) {
      if (file.includes('/node_modules/')) continue;
      const stamp = stampOf(file);
      if (stamp === watcher.stamp) continue;
      const kind = stamp === '' ? 2 : watcher.stamp === '' ? 0 : 1; // deleted, created, changed
      watcher.stamp = stamp;
      watcher.changed(file, kind);
    }
  };
}

function watchHost(host: CompilerHost, rootDir: string, folder: string) {
  const { typescript } = host;
  return (files: string[], options: ts.CompilerOptions, system: ts.System, ...rest: unknown[]) => {
    const strict = { ...options, strict: true, sourceMap: true, types: ['node'], rootDir };
    const create = typescript.createWatchCompilerHost as (...args: unknown[]) => object;
    const watchCompilerHost = create(files, strict, system, ...rest);
    let receive: (builder: Builder) => void = () => undefined;
    Object.defineProperty(watchCompilerHost, 'afterProgramCreate', {
      get: () => (builder: Builder) => receive(cellBuilder(host, builder, folder)),
      set: (given: (builder: Builder) => void) => {
        receive = given;
      },
    });
    return Object.assign(watchCompilerHost, moduleResolution(typescript, system));
  };
}

/**
 * Only found modules are remembered: a file that appears later is seen by the next cell.
 * tslab keeps failures until a folder watcher reports them, and we keep no folder watchers.
 */
function moduleResolution(typescript: TypeScript, system: ts.System) {
  const found = new Map<string, ts.ResolvedModuleWithFailedLookupLocations>();
  const incomplete = new Set<string>();
  const resolve = (name: string, file: string, options: ts.CompilerOptions) => {
    const key = `${path.dirname(file)}\0${name}`;
    const known = found.get(key);
    if (known?.resolvedModule && system.fileExists(known.resolvedModule.resolvedFileName)) {
      return known;
    }
    const result = typescript.resolveModuleName(name, file, options, system);
    if (result.resolvedModule !== undefined) found.set(key, result);
    else if (!file.includes('/node_modules/')) incomplete.add(file);
    return result;
  };
  return {
    resolveModuleNameLiterals: (
      literals: readonly ts.StringLiteralLike[],
      file: string,
      _redirected: unknown,
      options: ts.CompilerOptions,
    ) => {
      incomplete.delete(file);
      return literals.map((literal) => resolve(literal.text, file, options));
    },
    hasInvalidatedResolutions: (file: string) => incomplete.has(file),
  };
}

/** Emits cells only (Node loads sources itself) and names what else would have been emitted. */
function cellBuilder(host: CompilerHost, builder: Builder, folder: string): Builder {
  const cell = path.join(folder, '__tslab__.ts');
  const emit: Builder['emit'] = (file, write, ...rest) => {
    if (file === undefined || file.fileName !== cell) {
      if (file !== undefined) host.changedSources.push(file.fileName);
      return { emitSkipped: true, diagnostics: [] };
    }
    const writeCell: ts.WriteFileCallback = (name, text, ...others) => {
      if (name.endsWith('.map')) host.cellMaps.toModule = text;
      const bare = text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
      write?.(`outDir/${path.basename(name)}`, bare, ...others);
    };
    return builder.emit(file, writeCell, ...rest);
  };
  return Object.create(builder, { emit: { value: emit } });
}

function mappedTranspile(host: CompilerHost): TypeScript['transpileModule'] {
  return (input, options) => {
    if (options.fileName !== 'custom.js') return host.typescript.transpileModule(input, options);
    const compilerOptions = { ...options.compilerOptions, sourceMap: true };
    const result = host.typescript.transpileModule(input, { ...options, compilerOptions });
    host.cellMaps.toCommonJs = result.sourceMapText;
    return { ...result, outputText: result.outputText.replace(/\n\/\/# sourceMappingURL=.*$/, '') };
  };
}

/** The cell is checked always; the sources behind it only when one of them has changed. */
function onceCheckedDiagnostics(host: CompilerHost) {
  const checked = new Map<string, string | undefined>();
  type Versioned = ts.SourceFile & { version?: string };
  return (program: ts.Program, files: readonly Versioned[]): ts.Diagnostic[] => {
    const [cell, ...sources] = files;
    if (sources.some((file) => checked.get(file.fileName) !== file.version)) {
      host.sourceErrors = sources.flatMap((file) => [
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]);
      for (const file of sources) checked.set(file.fileName, file.version);
    }
    if (host.sourceErrors.length > 0) checked.clear();
    const errors = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
    if (cell !== undefined) {
      errors.push(
        ...program.getSyntacticDiagnostics(cell),
        ...program.getSemanticDiagnostics(cell),
      );
    }
    return errors.sort((a, b) => (a.start ?? 0) - (b.start ?? 0));
  };
}

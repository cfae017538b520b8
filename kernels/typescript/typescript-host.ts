/**
 * Fits the TypeScript that tslab brings to this project, before tslab's converter is loaded: strict
 * types, cells in any folder, sources checked once per change, source maps for cells, a program that
 * keeps no account of what each file refers to (that account is most of the work of a small cell).
 *
 * tslab reads its compiler through `require`, so a copy of the module with five functions replaced
 * does it. Written against tslab 1.0.22; a test fails when its internals move.
 */
import fs from 'node:fs';
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';
import { checkLoops } from './loop-checks';
import { ModuleResolution } from './module-resolution';
import { expandShorthand } from './shorthand';
import { sourceChecker } from './source-checker';
import { sourcesBehind } from './source-graph';

type TypeScript = typeof ts;

/** What the compiler tells the kernel beside tslab's own result. */
export interface CompilerHost {
  readonly typescript: TypeScript;
  readonly resolution: ModuleResolution;
  /** Errors in imported sources at the last conversion (tslab would drop those outside its folder). */
  sourceErrors: readonly ts.Diagnostic[];
  /** Sources that changed since the last conversion, absolute paths. */
  changedSources: string[];
  /** The program before the sources changed that are now looked at; undefined when none has. */
  before: ts.Program | undefined;
  /** Source maps of the last converted cell: TypeScript → ES module, ES module → CommonJS. */
  cellMaps: { toModule?: string; toCommonJs?: string };
  /** Looks for changed files; call it before each conversion. */
  refresh(): void;
  /** The program of the last conversion or question. */
  program: ts.Program | undefined;
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
    before: undefined,
    program: undefined,
    cellMaps: {},
    resolution: new ModuleResolution(original),
    refresh: () => undefined,
  };
  const look = watchOnDemand(original.sys, folder);
  readDeclarationsBare(original.sys);
  host.refresh = () => {
    const { edited, gone } = look();
    host.before = edited > 0 ? host.program : undefined;
    host.resolution.refresh(gone);
  };
  const cached = require.cache[modulePath];
  if (cached === undefined) throw new Error('tslab loads its TypeScript in an unknown way.');
  cached.exports = {
    ...original,
    createWatchCompilerHost: watchHost(host, commonFolder(root, folder), folder),
    transpileModule: mappedTranspile(host),
    getPreEmitDiagnosticsOfFiles: sourceChecker(host, path.join(root, '.cache', 'kernel')),
  };
  return host;
}

/** Node's declarations are two thirds documentation, which takes as long to parse as all the rest of them. */
function readDeclarationsBare(sys: ts.System): void {
  const { readFile } = sys;
  sys.readFile = (file, encoding) => {
    const text = readFile(file, encoding);
    return file.includes('/node_modules/@types/node/') ? text && withoutComments(text) : text;
  };
}

/** Declarations without their documentation comments. */
export const withoutComments = (text: string) => text.replace(/\/\*\*[\s\S]*?\*\//g, '');

/** TypeScript refuses sources outside `rootDir`; this is the deepest folder that holds both. */
function commonFolder(a: string, b: string): string {
  let folder = a;
  while (path.relative(folder, b).startsWith('..')) folder = path.dirname(folder);
  return folder;
}

/** Files are looked at when a cell is run, not polled meanwhile. Returns how many changed and which are gone. */
function watchOnDemand(sys: ts.System, folder: string): () => { edited: number; gone: string[] } {
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
    const gone: string[] = [];
    let edited = 0;
    for (const [file, watcher] of watched) {
      if (file.includes('/node_modules/')) continue;
      const stamp = stampOf(file);
      if (stamp === watcher.stamp) continue;
      const kind = stamp === '' ? 2 : watcher.stamp === '' ? 0 : 1; // deleted, created, changed
      watcher.stamp = stamp;
      edited++;
      watcher.changed(file, kind);
      if (stamp === '') gone.push(file);
    }
    return { edited, gone };
  };
}

/** Declares what the kernel offers to every cell. */
const GLOBALS = path.join(__dirname, 'notebook-globals.d.ts');

function watchHost(host: CompilerHost, rootDir: string, folder: string) {
  return (
    files: readonly string[],
    options: ts.CompilerOptions,
    system: ts.System,
    _createProgram: null,
    ...report: unknown[]
  ) => {
    const ours = { strict: true, sourceMap: true, types: ['node'], suppressOutputPathCheck: true };
    const strict = { ...options, ...ours, rootDir };
    const create = host.typescript.createWatchCompilerHost as (...args: unknown[]) => object;
    const builder = cellBuilder(host, folder);
    const watched = create([...files, GLOBALS], strict, system, builder, ...report);
    return Object.assign(watched, host.resolution.connect(system));
  };
}

/** Emits cells only (Node loads sources itself) and names what else would have been emitted. */
function cellBuilder(host: CompilerHost, folder: string): ts.CreateProgram<ts.BuilderProgram> {
  const cell = path.join(folder, '__tslab__.ts');
  const declarations = path.join(folder, '__prev__.d.ts');
  const { typescript } = host;
  return (...given) => {
    const builder = typescript.createAbstractBuilder(...given);
    const program = builder.getProgram();
    host.program = program;
    const emit: ts.BuilderProgram['emit'] = (file, write, token, only, transformers) => {
      if (file === undefined || file.fileName !== cell) {
        if (file !== undefined) host.changedSources.push(file.fileName);
        return { emitSkipped: true, diagnostics: [] };
      }
      const writeCell: ts.WriteFileCallback = (name, text, ...others) => {
        if (name.endsWith('.map')) host.cellMaps.toModule = text;
        const bare = text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
        write?.(`outDir/${path.basename(name)}`, bare, ...others);
      };
      const expand = expandShorthand(typescript, program.getTypeChecker(), declarations);
      const before = [...(transformers?.before ?? []), checkLoops(typescript)];
      const after = [expand, ...(transformers?.after ?? [])];
      return program.emit(file, writeCell, token, only, { ...transformers, before, after });
    };
    const getSourceFile: ts.BuilderProgram['getSourceFile'] = (name) => {
      const file = program.getSourceFile(name);
      if (file !== undefined && name === cell) bind(typescript, file, program);
      return file;
    };
    const getAllDependencies: ts.BuilderProgram['getAllDependencies'] = (file) =>
      sourcesBehind(program, file).map(({ fileName }) => fileName);
    return Object.assign(builder, { emit, getSourceFile, getAllDependencies });
  };
}

/** tslab reads from a cell which names it declares before anything has been checked. */
function bind(typescript: TypeScript, file: ts.SourceFile, program: ts.Program): void {
  const { bindSourceFile } = typescript as unknown as {
    bindSourceFile(file: ts.SourceFile, options: ts.CompilerOptions): void;
  };
  bindSourceFile(file, program.getCompilerOptions());
  const { locals } = file as unknown as { locals?: Map<string, ts.Symbol> };
  if (locals === undefined) return;
  // It takes the compiler's spelling of `__name`, with one more underscore, for the name: once it is given the name.
  locals.forEach = (use) => {
    Reflect.deleteProperty(locals, 'forEach');
    for (const [name, symbol] of locals)
      use(symbol, typescript.unescapeLeadingUnderscores(name as ts.__String), locals);
  };
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

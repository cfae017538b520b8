/** Type-checks a cell always, and of the sources behind it those only that an edit may have made wrong. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';
import type { Names } from './changed-names';
import { changedOutside, takes } from './source-graph';
import type { CompilerHost } from './typescript-host';

type Versioned = ts.SourceFile & { readonly version?: string };
type Errors = readonly ts.Diagnostic[];

const REMEMBERED = 30;

/**
 * Stands in for the function by which tslab asks for the errors of a cell and all it imports.
 * Errors of sources go to `host.sourceErrors`. Sets of sources found without errors are remembered
 * in `folder`, so that the next kernel need not check them again.
 */
export function sourceChecker(host: CompilerHost, folder: string) {
  const store = path.join(folder, 'checked.json');
  const clean = new Set(readList(store));
  const checked = new Map<string, { readonly version: string; readonly errors: Errors }>();
  const check = (program: ts.Program, sources: readonly Versioned[]): Errors => {
    const state = fingerprint(host.typescript.version, folder, sources);
    const stale = clean.has(state) ? new Set() : staleSources(program, sources);
    for (const file of sources) {
      const { fileName, version = '' } = file;
      const errors = stale.has(file)
        ? errorsOf(program, file)
        : (checked.get(fileName)?.errors ?? []);
      checked.set(fileName, { version, errors });
    }
    const errors = sources.flatMap(({ fileName }) => checked.get(fileName)?.errors ?? []);
    if (errors.length === 0 && !clean.has(state)) {
      clean.add(state);
      writeList(store, [...clean].slice(-REMEMBERED));
    }
    return errors;
  };
  /** Those never checked, or wrong before, or edited, or taking a name that an edit makes look otherwise from outside. */
  const staleSources = (program: ts.Program, sources: readonly Versioned[]): Set<ts.SourceFile> => {
    const before = (file: Versioned) => checked.get(file.fileName);
    const edited = sources.filter(
      (file) => before(file) !== undefined && before(file)?.version !== file.version,
    );
    const stale = new Set<ts.SourceFile>(edited);
    for (const file of sources) if (before(file)?.errors.length !== 0) stale.add(file);
    const { typescript } = host;
    const changed = new Map<ts.SourceFile, Names>();
    const waiting = [...edited];
    for (const file of waiting) {
      const names = changedOutside(typescript, host.before, program, file, changed);
      if (sizeOf(names) === sizeOf(changed.get(file))) continue;
      changed.set(file, names);
      const users = sources.filter((user) => takes(typescript, program, user, file, names));
      for (const user of users) stale.add(user);
      waiting.push(...users);
    }
    return stale;
  };
  return (program: ts.Program, files: readonly Versioned[]): ts.Diagnostic[] => {
    const [cell, ...sources] = files;
    host.sourceErrors = check(program, sources);
    host.before = undefined;
    const errors = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
    if (cell !== undefined) errors.push(...errorsOf(program, cell));
    return errors.sort((a, b) => (a.start ?? 0) - (b.start ?? 0));
  };
}

const sizeOf = (names: Names | undefined) => (names === 'all' ? Infinity : (names?.size ?? 0));

function errorsOf(program: ts.Program, file: ts.SourceFile): Errors {
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}

/** TypeScript's version of a file is the hash of its text. Wherever the project is moved or copied to, it is the same. */
function fingerprint(compiler: string, folder: string, sources: readonly Versioned[]): string {
  const hash = createHash('sha256').update(compiler);
  const lines = sources.map(
    ({ fileName, version }) => `${path.relative(folder, fileName)} ${version}`,
  );
  for (const line of lines.sort()) hash.update(`\n${line}`);
  return hash.digest('hex');
}

function readList(file: string): string[] {
  if (!fs.existsSync(file)) return [];
  try {
    const list: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return []; // a damaged memory is no memory: everything is checked again
  }
}

function writeList(file: string, list: readonly string[]): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.incomplete`;
  fs.writeFileSync(temporary, JSON.stringify(list));
  fs.renameSync(temporary, file);
}

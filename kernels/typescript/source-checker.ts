/** Type-checks a cell always, and the sources behind it only when one of them is new or has changed. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';
import type { CompilerHost } from './typescript-host';

type Versioned = ts.SourceFile & { readonly version?: string };

const REMEMBERED = 30;

/**
 * Stands in for the function by which tslab asks for the errors of a cell and all it imports.
 * Errors of sources go to `host.sourceErrors`. Sets of sources found without errors are remembered
 * in `folder`, so that the next kernel need not check them again.
 */
export function sourceChecker(host: CompilerHost, folder: string) {
  const store = path.join(folder, 'checked.json');
  const clean = new Set(readList(store));
  return (program: ts.Program, files: readonly Versioned[]): ts.Diagnostic[] => {
    const [cell, ...sources] = files;
    const state = fingerprint(host.typescript.version, sources);
    if (clean.has(state)) {
      host.sourceErrors = [];
    } else {
      host.sourceErrors = sources.flatMap((file) => errorsOf(program, file));
      if (host.sourceErrors.length === 0) {
        clean.add(state);
        writeList(store, [...clean].slice(-REMEMBERED));
      }
    }
    const errors = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
    if (cell !== undefined) errors.push(...errorsOf(program, cell));
    return errors.sort((a, b) => (a.start ?? 0) - (b.start ?? 0));
  };
}

function errorsOf(program: ts.Program, file: ts.SourceFile): readonly ts.Diagnostic[] {
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}

/** TypeScript's version of a file is the hash of its text. */
function fingerprint(compiler: string, sources: readonly Versioned[]): string {
  const hash = createHash('sha256').update(compiler);
  const lines = sources.map(({ fileName, version }) => `${fileName} ${version}`);
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

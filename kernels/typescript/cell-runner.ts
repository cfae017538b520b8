/** Runs cells through tslab's executor, and knows which TypeScript line ran. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { SourceMap } from 'node:module';
import vm from 'node:vm';
import type { Converter } from 'tslab/dist/converter';
import type { CellScript, TypeMessage } from './cell-compiler';
import type { Position } from './error-report';
import type { Language } from './language-client';
import { type Leak, MemoryAccount } from './memory-account';
import { replaceModule } from './modules';
import { reloadSources } from './reload';

export type CellOutcome =
  | { readonly kind: 'done'; readonly value: unknown }
  /** `note` says which of the cell's names have a value nevertheless, where it declares some. */
  | { readonly kind: 'threw'; readonly error: unknown; readonly note?: string }
  | { readonly kind: 'rejected'; readonly messages: readonly TypeMessage[] };

export interface CellRunner {
  /** @param signal - aborted before the cell has begun, it keeps it from running. */
  run(code: string, count: number, signal?: AbortSignal): Promise<CellOutcome>;
  /** A loop of a cell has ended a turn. */
  turn(): void;
  /** Stops waiting for the code of the cell that runs. */
  leave(): void;
  /** Where a position of the JavaScript of cell `count` is in its TypeScript; 1-based both. */
  originalPosition(count: number, line: number, column: number): Position | undefined;
}

export interface RunnerOptions {
  readonly language: Language;
  /** The repository. */
  readonly root: string;
  /** The notebook's, against which the imports of cells are resolved. */
  readonly folder: string;
  /** Shows a line about the cell that runs, beside what it shows itself. */
  notice(text: string): void;
}

export function createCellRunner({ language, root, folder, notice }: RunnerOptions): CellRunner {
  const scripts = new Map<number, CellScript>();
  const changed = new Set<string>();
  const running = new AsyncLocalStorage<number>();
  const executor = createScriptExecutor(folder);
  const { locals } = executor;
  const account = new MemoryAccount(root, locals);
  Object.defineProperty(globalThis, 'memory', { value: () => account.table(), writable: true });
  nameScripts(running);

  const tell = (text: string | undefined) => {
    if (text !== undefined) notice(text);
  };
  const run = async (script: CellScript, code: string): Promise<CellOutcome> => {
    tell(reloadSources([...changed], root, locals));
    changed.clear();
    account.begin();
    const before = new Map(script.names.map((name) => [name, locals[name]]));
    const outcome = await executor.execute(script);
    tell(account.end(code));
    if (outcome.kind !== 'threw') return outcome;
    const unset = script.names.filter((name) => Object.is(locals[name], before.get(name)));
    await language.settle(unset);
    return { ...outcome, note: failureNote(script.names, unset, before) };
  };
  const originalPosition: CellRunner['originalPosition'] = (count, line, column) =>
    lookUp(scripts.get(count), line, column);
  return {
    run: async (code, count, signal) => {
      const compiled = await language.compile(code);
      for (const file of compiled.changed) changed.add(file);
      const { messages, script } = compiled;
      if (script === undefined) return { kind: 'rejected', messages };
      if (signal?.aborted) {
        await language.settle(script.names);
        return { kind: 'threw', error: signal.reason };
      }
      scripts.set(count, script);
      return running.run(count, () => run(script, code));
    },
    turn: () => {
      const leak = account.turn();
      if (leak !== undefined) notice(leakNotice(leak, originalPosition));
    },
    leave: executor.leave,
    originalPosition,
  };
}

/** Names the loop that called, by the line where its turn ended. */
function leakNotice(
  { turns, tensors }: Leak,
  originalPosition: CellRunner['originalPosition'],
): string {
  const [, count, line, column] = /cell\[(\d+)\]:(\d+):(\d+)/.exec(new Error().stack ?? '') ?? [];
  const at = originalPosition(Number(count), Number(line), Number(column));
  const place = at === undefined ? 'A loop' : `The loop whose turn ends at line ${at.line}`;
  return `${place} leaks: ${tensors} more tensors alive after ${turns} turns, held by no variable. Dispose of them, or put a turn's work into \`tidy\`.`;
}

interface ScriptExecutor {
  execute(script: CellScript): Promise<CellOutcome>;
  leave(): void;
  /** Values of the names that cells declared. */
  readonly locals: { [name: string]: unknown };
}

/** tslab's executor, which is given its scripts ready-made and does without a compiler. */
function createScriptExecutor(folder: string): ScriptExecutor {
  let next: CellScript | undefined;
  let outcome: CellOutcome = { kind: 'done', value: undefined };
  const convert: Converter['convert'] = () => ({ diagnostics: [], ...next });
  const converters = { node: { convert }, browser: { convert }, close: () => undefined };
  standInForMetadata();
  const { createExecutor } = require('tslab/dist/executor');
  const executor = createExecutor(folder, converters, {
    log: (value: unknown) => {
      outcome = { kind: 'done', value };
    },
    error: (error: unknown) => {
      outcome = { kind: 'threw', error };
    },
  });
  return {
    locals: executor.locals,
    leave: () => executor.interrupt(),
    execute: async (script) => {
      next = script;
      outcome = { kind: 'done', value: undefined };
      await executor.execute('');
      return outcome;
    },
  };
}

/** tslab looks for its own directives in the comments of a cell with a compiler, for which the main thread has no use. */
function standInForMetadata(): void {
  const file = require.resolve('tslab/dist/metadata');
  replaceModule(file, { value: { getCodeMetadata: () => ({}) } });
}

/** Says of a failed cell which names have got their value and which have not. */
function failureNote(
  names: readonly string[],
  unset: readonly string[],
  before: ReadonlyMap<string, unknown>,
): string | undefined {
  if (names.length === 0) return undefined;
  const list = (chosen: readonly string[]) => chosen.map((name) => `\`${name}\``).join(', ');
  const earlier = unset.filter((name) => before.get(name) !== undefined);
  const never = unset.filter((name) => !earlier.includes(name));
  const set = names.filter((name) => !unset.includes(name));
  const parts = [
    set.length > 0 ? `set before it failed: ${list(set)}` : '',
    earlier.length > 0 ? `as before this cell: ${list(earlier)}` : '',
    never.length > 0 ? `not set: ${list(never)}` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** Gives the script of each cell the name that stack traces show, `cell[3]`. */
function nameScripts(running: AsyncLocalStorage<number>): void {
  const { runInThisContext } = vm;
  vm.runInThisContext = (code, options) => {
    const count = running.getStore();
    if (count === undefined || typeof options !== 'object') return runInThisContext(code, options);
    const columnOffset = -(code.indexOf('{') + 2); // tslab's wrapper is on the first line
    return runInThisContext(code, { ...options, filename: `cell[${count}]`, columnOffset });
  };
}

/** tslab puts one line before each cell, hence the last `line` is 0-based there and 1-based here. */
function lookUp(
  script: CellScript | undefined,
  line: number,
  column: number,
): Position | undefined {
  if (script === undefined || script.maps.length === 0) return undefined;
  if (line > script.output.split('\n').length) return undefined; // tslab's wrapper
  let at = { line: line - 1, column: column - 1 };
  for (const map of script.maps) {
    const entry = new SourceMap(JSON.parse(map)).findEntry(at.line, at.column);
    if (!('originalLine' in entry)) return undefined;
    at = { line: entry.originalLine, column: entry.originalColumn };
  }
  return { line: Math.max(1, at.line), column: at.column + 1, length: 1 };
}

/** Runs cells through tslab's converter and executor, and knows which TypeScript line ran. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { SourceMap } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import type * as ts from '@tslab/typescript-for-tslab';
import type { CompletionInfo, Converter, ConvertResult } from 'tslab/dist/converter';
import type { Position } from './error-report';
import { dropModules } from './modules';
import type { CompilerHost } from './typescript-host';

/** A compiler message about a cell (`file` undefined) or about a source it imports. */
export interface TypeMessage extends Position {
  readonly code: number;
  readonly text: string;
}

export type CellOutcome =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'rejected'; readonly messages: readonly TypeMessage[] };

export interface CellRunner {
  run(code: string, count: number): Promise<CellOutcome>;
  /** Stops waiting for the code of the cell that runs. */
  leave(): void;
  complete(code: string, position: number): CompletionInfo;
  inspect(code: string, position: number): string | undefined;
  isComplete(code: string): { readonly completed: boolean; readonly indent?: string };
  /** Where a position of the JavaScript of cell `count` is in its TypeScript; 1-based both. */
  originalPosition(count: number, line: number, column: number): Position | undefined;
}

/** @param folder - the notebook's folder, against which the imports of cells are resolved. */
export function createCellRunner(host: CompilerHost, root: string, folder: string): CellRunner {
  // tslab is loaded here and not above: it must see the compiler that `host` has put in place.
  const { createConverter, isCompleteCode } = require('tslab/dist/converter');
  const { createExecutor } = require('tslab/dist/executor');
  const { printQuickInfo } = require('tslab/dist/inspect');
  const maps = new Map<number, CellMap>();
  const running = new AsyncLocalStorage<number>();
  const compiler: Converter = createConverter({ isJS: false, isBrowser: false });
  let messages: readonly TypeMessage[] = [];
  let outcome: CellOutcome = { kind: 'done', value: undefined };

  const convert = (previous: string, code: string): ConvertResult => {
    host.refresh();
    const converted = compiler.convert(previous, code);
    messages = [...cellMessages(converted), ...sourceMessages(host)];
    dropModules(host.changedSources.splice(0), root);
    maps.set(running.getStore() ?? 0, readMaps(host, converted.output ?? ''));
    if (messages.length > 0) return { diagnostics: [NOTHING_RUNS] };
    const hasToplevelAwait = converted.hasToplevelAwait || awaitsInLoop(code, host.typescript);
    return { ...converted, sideOutputs: [], hasToplevelAwait };
  };
  const converter: Converter = { ...compiler, convert };
  const converters = { node: converter, browser: converter, close: () => compiler.close() };
  const executor = createExecutor(folder, converters, {
    log: (value: unknown) => {
      outcome = { kind: 'done', value };
    },
    error: (error: unknown, ...rest: unknown[]) => {
      outcome = rest.length > 0 ? { kind: 'rejected', messages } : { kind: 'threw', error };
    },
  });
  nameScripts(running);

  return {
    run: (code, count) =>
      running.run(count, async () => {
        outcome = { kind: 'done', value: undefined };
        await executor.execute(code);
        return outcome;
      }),
    leave: () => executor.interrupt(),
    complete: (code, position) => executor.complete(code, position),
    inspect: (code, position) => {
      const info = executor.inspect(code, position);
      return info ? printQuickInfo(info) : undefined;
    },
    isComplete: isCompleteCode,
    originalPosition: (count, line, column) => lookUp(maps.get(count), line, column),
  };
}

/** Stands for the real messages, which tslab would print one line at a time. */
const NOTHING_RUNS = {
  start: { offset: 0, line: 0, character: 0 },
  end: { offset: 0, line: 0, character: 0 },
  messageText: '',
  category: 1,
  code: 0,
};

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

/** tslab reports a chain of messages one by one, all at one position; they are joined here. */
function cellMessages({ diagnostics }: ConvertResult): TypeMessage[] {
  const joined: TypeMessage[] = [];
  for (const { start, end, code, messageText } of diagnostics) {
    const line = start.line + 1;
    const column = start.character + 1;
    const last = joined.at(-1);
    if (last !== undefined && last.line === line && last.column === column) {
      joined[joined.length - 1] = { ...last, text: `${last.text}\n  ${messageText}` };
    } else {
      const length = Math.max(1, end.line === start.line ? end.character - start.character : 1);
      joined.push({ line, column, length, code, text: messageText });
    }
  }
  return joined;
}

function sourceMessages({ sourceErrors, typescript }: CompilerHost): TypeMessage[] {
  return sourceErrors.flatMap(({ file, start, length, code, messageText }) => {
    if (file === undefined || start === undefined) return [];
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    const text = typescript.flattenDiagnosticMessageText(messageText, '\n');
    const position = { line: line + 1, column: character + 1, length: length ?? 1 };
    return [{ ...position, file: path.resolve(file.fileName), code, text }];
  });
}

/** tslab sees `await` at the top level of a cell, but not `for await`. */
function awaitsInLoop(code: string, typescript: CompilerHost['typescript']): boolean {
  const found = (node: ts.Node): boolean => {
    if (typescript.isFunctionLike(node) || typescript.isClassLike(node)) return false;
    if (typescript.isForOfStatement(node) && node.awaitModifier !== undefined) return true;
    return typescript.forEachChild(node, found) ?? false;
  };
  return found(typescript.createSourceFile('cell.ts', code, typescript.ScriptTarget.ES2022));
}

interface CellMap {
  /** From the JavaScript that runs towards the TypeScript that was written. */
  readonly steps: readonly SourceMap[];
  /** Lines of JavaScript; what follows is tslab's wrapper. */
  readonly lines: number;
}

function readMaps({ cellMaps }: CompilerHost, output: string): CellMap {
  const steps = [cellMaps.toCommonJs, cellMaps.toModule].flatMap((text) =>
    text === undefined ? [] : [new SourceMap(JSON.parse(text))],
  );
  cellMaps.toCommonJs = undefined;
  cellMaps.toModule = undefined;
  return { steps, lines: output.split('\n').length };
}

/** tslab puts one line before each cell, hence the last `line` is 0-based there and 1-based here. */
function lookUp(map: CellMap | undefined, line: number, column: number): Position | undefined {
  if (map === undefined || map.steps.length < 2 || line > map.lines) return undefined;
  let at = { line: line - 1, column: column - 1 };
  for (const step of map.steps) {
    const entry = step.findEntry(at.line, at.column);
    if (!('originalLine' in entry)) return undefined;
    at = { line: entry.originalLine, column: entry.originalColumn };
  }
  return { line: Math.max(1, at.line), column: at.column + 1, length: 1 };
}

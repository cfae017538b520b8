/** Converts cells through tslab's converter, and keeps what earlier cells declared. */
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';
import type { Converter, ConvertResult } from 'tslab/dist/converter';
import { mergeDeclarations } from './declarations';
import type { Position } from './error-report';
import type { CompilerHost } from './typescript-host';
import type { Json } from './wire';

/** A compiler message about a cell (`file` undefined) or about a source it imports. */
export interface TypeMessage extends Position {
  readonly code: number;
  readonly text: string;
}

/** A cell as JavaScript, ready for tslab's executor. */
export interface CellScript {
  readonly output: string;
  readonly hasToplevelAwait: boolean;
  readonly lastExpressionVar: string | undefined;
  /** Variables, functions, classes and imports that it declares. */
  readonly names: readonly string[];
  /** Source maps as JSON, from the JavaScript that runs towards the TypeScript that was written. */
  readonly maps: readonly string[];
}

export interface CompiledCell {
  /** Why nothing of the cell may run; empty where it may. */
  readonly messages: readonly TypeMessage[];
  readonly script: CellScript | undefined;
  /** Sources behind the cell that are new, or have changed since a cell needed them. */
  readonly changed: readonly string[];
}

export interface CellCompiler {
  compile(code: string): CompiledCell;
  /** After the last cell failed: names it declares and did not set are what they were before. */
  settle(unset: readonly string[]): void;
  /** These answer with the content of Jupyter's reply; positions count code points. */
  complete(code: string, position: number): Json;
  inspect(code: string, position: number): Json;
  isComplete(code: string): Json;
}

const CANNOT_FIND_NAME = [2304, 2552];

/** @param host - in place before; the folder it was made with is where the cells live. */
export function createCellCompiler(host: CompilerHost): CellCompiler {
  // tslab is loaded here and not above: it must see the compiler that `host` has put in place.
  const { createConverter, isCompleteCode } = require('tslab/dist/converter');
  const { printQuickInfo } = require('tslab/dist/inspect');
  const { keepJavaScript } = require('./register.cjs');
  const converter: Converter = createConverter({ isJS: false, isBrowser: false });
  const lost = new Set<string>();
  let before = '';
  let declared = '';

  return {
    compile: (code) => {
      host.refresh();
      const converted = converter.convert(declared, code);
      const messages = [...cellMessages(converted, lost), ...sourceMessages(host)];
      const changed = host.changedSources.splice(0);
      const maps = takeMaps(host);
      if (messages.length > 0) return { messages, script: undefined, changed };
      for (const file of changed) keepJavaScript(file);
      before = declared;
      declared = converted.declOutput ?? '';
      return { messages, script: cellScript(converted, code, maps, host.typescript), changed };
    },
    settle: (unset) => {
      for (const name of unset) lost.add(name);
      declared = mergeDeclarations(host.typescript, declared, before, unset);
    },
    complete: (code, position) => {
      const at = toUnits(code, position);
      const { start, end, candidates } = converter.complete(declared, code, at);
      const range = { cursor_start: toPoints(code, start), cursor_end: toPoints(code, end) };
      return { status: 'ok', matches: candidates, ...range, metadata: {} };
    },
    inspect: (code, position) => {
      const info = converter.inspect(declared, code, toUnits(code, position));
      const data = info ? { 'text/plain': printQuickInfo(info), 'text/markdown': help(info) } : {};
      return { status: 'ok', found: Boolean(info), data, metadata: {} };
    },
    isComplete: (code) => {
      const { completed, indent = '' } = isCompleteCode(code);
      return completed ? { status: 'complete' } : { status: 'incomplete', indent };
    },
  };
}

/** A signature as code, and what its documentation says: shapes among it. */
function help({ displayParts = [], documentation = [], tags = [] }: ts.QuickInfo): string {
  const join = (parts: readonly ts.SymbolDisplayPart[]) => parts.map(({ text }) => text).join('');
  const notes = tags.map(({ name, text = [] }) => `*@${name}* ${join(text)}`);
  return [`\`\`\`typescript\n${join(displayParts)}\n\`\`\``, join(documentation), ...notes]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Jupyter counts code points, JavaScript units of UTF-16. */
const toUnits = (text: string, points: number) => [...text].slice(0, points).join('').length;
const toPoints = (text: string, units: number) => [...text.slice(0, units)].length;

/** tslab reports a chain of messages one by one, all at one position; they are joined here. */
function cellMessages({ diagnostics }: ConvertResult, lost: ReadonlySet<string>): TypeMessage[] {
  const joined: TypeMessage[] = [];
  for (const { start, end, code, messageText } of diagnostics) {
    const line = start.line + 1;
    const column = start.character + 1;
    const last = joined.at(-1);
    if (last !== undefined && last.line === line && last.column === column) {
      joined[joined.length - 1] = { ...last, text: `${last.text}\n  ${messageText}` };
    } else {
      const length = Math.max(1, end.line === start.line ? end.character - start.character : 1);
      const text = `${messageText}${lostHint(code, messageText, lost)}`;
      joined.push({ line, column, length, code, text });
    }
  }
  return joined;
}

function lostHint(code: number, text: string, lost: ReadonlySet<string>): string {
  const [, name = ''] = /^Cannot find name '(.*?)'/.exec(text) ?? [];
  if (!CANNOT_FIND_NAME.includes(code) || !lost.has(name)) return '';
  return `\n  The cell that declares it failed before \`${name}\` was set: run that cell again.`;
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

function takeMaps(host: CompilerHost): string[] {
  const { toCommonJs, toModule } = host.cellMaps;
  host.cellMaps = {};
  return toCommonJs === undefined || toModule === undefined ? [] : [toCommonJs, toModule];
}

function cellScript(
  converted: ConvertResult,
  code: string,
  maps: readonly string[],
  typescript: CompilerHost['typescript'],
): CellScript {
  const { lastExpressionVar, hasToplevelAwait = false } = converted;
  const { output, names } = withoutResets(converted.output ?? '');
  return {
    output,
    maps,
    lastExpressionVar,
    names: names.filter((name) => name !== lastExpressionVar),
    hasToplevelAwait: hasToplevelAwait || awaitsInLoop(code, typescript),
  };
}

const MARK = 'Object.defineProperty(exports, "__esModule", { value: true });\n';
const RESET = /^(?:exports\.[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]* = )+void 0;$/u;

/**
 * TypeScript sets all that a module exports to undefined first. A name shall keep what an earlier cell gave it until
 * it gets its new value: it may be read on the way there, and the cell may fail.
 */
function withoutResets(output: string): { output: string; names: string[] } {
  const lines = output.split('\n');
  const names: string[] = [];
  let at = output.slice(0, output.indexOf(MARK) + MARK.length).split('\n').length - 1;
  for (; RESET.test(lines[at] ?? ''); at++) {
    names.push(
      ...(lines[at] ?? '')
        .split(' = ')
        .slice(0, -1)
        .map((set) => set.slice(8)),
    );
    lines[at] = ''; // an empty line: source maps count lines
  }
  return { output: lines.join('\n'), names };
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

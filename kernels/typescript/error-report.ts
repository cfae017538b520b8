/** Turns what a cell threw, or why it was refused, into a Jupyter error with TypeScript lines. */
import fs from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import type { TypeMessage } from './cell-compiler';
import type { CellRunner } from './cell-runner';

/** 1-based; `file` is absolute, and undefined for the cell that is being run. */
export interface Position {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** Content of Jupyter's `error` message. */
export interface ErrorReport {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

export interface ReportContext {
  readonly root: string;
  /** Source of every cell run so far, by execution count. */
  readonly cells: ReadonlyMap<number, string>;
  readonly count: number;
  readonly originalPosition: CellRunner['originalPosition'];
}

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;
const MAX_FRAMES = 12;
const MAX_MESSAGES = 10;

/** For a cell that the compiler refused. */
export function reportMessages(
  messages: readonly TypeMessage[],
  context: ReportContext,
): ErrorReport {
  const [first] = messages;
  if (first === undefined) throw new Error('A refused cell has at least one compiler message.');
  const place = `${placeName(first, context)}:${first.line}:${first.column}`;
  const shown = messages
    .slice(0, MAX_MESSAGES)
    .flatMap((message) => [
      `${red(`TS${message.code}`)}: ${message.text}`,
      `  ${dim('at')} ${placeName(message, context)}:${message.line}:${message.column}`,
      ...excerpt(message, context.cells.get(context.count), 0),
    ]);
  const more = messages.length - MAX_MESSAGES;
  if (more > 0) shown.push(`… and ${more} more.`);
  return { ename: 'TypeScriptError', evalue: `${place} ${first.text}`, traceback: shown };
}

/** For a cell that threw `error`, which may be any value. @param note - a last line about the cell. */
export function reportThrown(error: unknown, context: ReportContext, note?: string): ErrorReport {
  const report = describeThrown(error, context);
  if (note === undefined) return report;
  return { ...report, traceback: [...report.traceback, dim(note)] };
}

function describeThrown(error: unknown, context: ReportContext): ErrorReport {
  if (!(error instanceof Error) && !isErrorLike(error)) {
    const evalue = inspect(error);
    return { ename: 'Thrown', evalue, traceback: [`${red('Thrown')}: ${evalue}`] };
  }
  const frames = readFrames(error.stack ?? '', context);
  const [where] = frames;
  const traceback = [`${red(error.name)}: ${error.message}`];
  if (where !== undefined) {
    traceback.push(...excerpt(where, context.cells.get(where.count ?? -1), 2));
    traceback.push(...frames.slice(0, MAX_FRAMES).map((frame) => `  ${dim('at')} ${frame.text}`));
  }
  if (error.cause !== undefined) {
    const cause = describeThrown(error.cause, context);
    traceback.push(`${dim('caused by')} ${cause.traceback[0] ?? ''}`, ...cause.traceback.slice(1));
  }
  return { ename: error.name, evalue: error.message, traceback };
}

/** Errors of other realms (workers, vm contexts) are not `instanceof Error` here. */
function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value;
}

interface Frame extends Position {
  readonly text: string;
  /** The cell it is in, where it is in one. */
  readonly count?: number;
}

/** Frames of cells and sources, innermost first, up to the top level of the cell. */
function readFrames(stack: string, context: ReportContext): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split('\n')) {
    const match = /^\s+at (?:(.*) \()?(.*?):(\d+):(\d+)\)?$/.exec(line);
    if (match === null) continue;
    const [, called = '', file = '', row = '1', column = '1'] = match;
    const name = called.replace(/^Proxy\./, ''); // functions of earlier cells are called through tslab's store
    const cell = /^cell\[(\d+)\]$/.exec(file);
    if (cell !== null) {
      const count = Number(cell[1]);
      const at = context.originalPosition(count, Number(row), Number(column));
      if (at === undefined) continue;
      const isTop = name === '' || name === 'eval' || name === 'Object.<anonymous>';
      const place = `cell ${count}:${at.line}:${at.column}`;
      frames.push({ ...at, count, text: isTop ? place : `${name} (${place})` });
    } else if (isOwnSource(file, context) && !isModuleBody(name, frames)) {
      const place = `${path.relative(context.root, file)}:${row}:${column}`;
      const text = name === '' ? place : `${name} (${place})`;
      frames.push({ file, line: Number(row), column: Number(column), length: 1, text });
    }
  }
  return frames;
}

/** That a module was loading is worth a line only where it is the failing one. */
function isModuleBody(name: string, inner: readonly Frame[]): boolean {
  return name === 'Object.<anonymous>' && inner.length > 0;
}

function isOwnSource(file: string, { root }: ReportContext): boolean {
  const relative = path.relative(root, file);
  return (
    path.isAbsolute(file) &&
    !relative.startsWith('..') &&
    !relative.includes('node_modules') &&
    !file.startsWith(__dirname)
  );
}

function placeName({ file }: Position, { root, count }: ReportContext): string {
  return file === undefined ? `cell ${count}` : path.relative(root, file);
}

/** The line in question with `around` lines on both sides and a caret below it. */
function excerpt(at: Position, cell: string | undefined, around: number): string[] {
  const source = at.file === undefined ? cell : readSource(at.file);
  if (source === undefined) return [];
  const lines = source.split('\n');
  const from = Math.max(1, at.line - around);
  const to = Math.min(lines.length, at.line + around);
  const width = String(to).length;
  const shown: string[] = [];
  for (let number = from; number <= to; number++) {
    const label = String(number).padStart(width);
    const text = lines[number - 1] ?? '';
    shown.push(`${number === at.line ? red('>') : ' '} ${dim(`${label} |`)} ${text}`);
    if (number === at.line) {
      const caret = '~'.repeat(Math.max(1, Math.min(at.length, text.length - at.column + 1)));
      const gap = ' '.repeat(at.column - 1);
      shown.push(`  ${' '.repeat(width)} ${dim('|')} ${gap}${red(at.length > 1 ? caret : '^')}`);
    }
  }
  return shown;
}

function readSource(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

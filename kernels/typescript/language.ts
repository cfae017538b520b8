/** The thread that knows TypeScript: one compiler for the cells of a notebook and for questions about them. */
import path from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { type CellCompiler, createCellCompiler } from './cell-compiler';
import type { Answer, Question } from './orders';
import { installCompilerHost } from './typescript-host';
import type { Json } from './wire';

/** What the main thread asks for; each is answered under its `id`. */
export type LanguageRequest =
  | { readonly kind: 'compile'; readonly code: string }
  /** The cell compiled last has failed before it set these of its names. */
  | { readonly kind: 'settle'; readonly unset: readonly string[] }
  | { readonly kind: 'close' };

export interface LanguageData {
  /** The notebook's. */
  readonly folder: string;
  /** Where the sockets' thread asks. */
  readonly answers: MessagePort;
}

const QUIET_MS = 3000; // nothing asked for so long: there is time to write

/** @param keepCompiled - writes the compiled code of the compiler, where that is new. */
export function serve(
  main: MessagePort,
  { folder, answers }: LanguageData,
  keepCompiled: () => void,
): void {
  const host = installCompilerHost(path.resolve(__dirname, '..', '..'), folder);
  const compiler = createCellCompiler(host);
  const handle = (request: LanguageRequest): unknown => {
    if (request.kind === 'compile') return compiler.compile(request.code);
    if (request.kind === 'settle') return compiler.settle(request.unset);
    return keepCompiled();
  };
  let quiet: NodeJS.Timeout | undefined;
  main.on('message', ({ id, request }: { id: number; request: LanguageRequest }) => {
    clearTimeout(quiet);
    try {
      main.postMessage({ id, value: handle(request) });
    } catch (error) {
      main.postMessage({ id, error });
    }
    quiet = setTimeout(keepCompiled, QUIET_MS);
  });
  answers.on('message', (question: Question) => {
    const answer: Answer = { id: question.id, content: answerTo(compiler, question) };
    answers.postMessage(answer);
  });
}

/** Content of the reply; what breaks the compiler is told in it. */
function answerTo(compiler: CellCompiler, { msgType, content }: Question): Json {
  const code = String(content.code ?? '');
  const position = Number(content.cursor_pos ?? [...code].length);
  try {
    if (msgType === 'is_complete_request') return compiler.isComplete(code);
    if (msgType === 'complete_request') return compiler.complete(code, position);
    return compiler.inspect(code, position);
  } catch (error) {
    const { name, message } = error as Error;
    return { status: 'error', ename: name, evalue: message, traceback: [] };
  }
}

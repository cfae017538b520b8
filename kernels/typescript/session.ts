/** One kernel session: executes cells in order and answers what a notebook asks about code. */
import type { CellRunner } from './cell-runner';
import { type ErrorReport, reportMessages, reportThrown } from './error-report';
import type { Output } from './output';
import { mimeBundle } from './rich-value';
import type { Json, Message } from './wire';

export class Session {
  readonly #runner: CellRunner;
  readonly #output: Output;
  readonly #root: string;
  readonly #cells = new Map<number, string>();
  #count = 0;
  #abort = new AbortController();

  constructor(runner: CellRunner, output: Output, root: string) {
    this.#runner = runner;
    this.#output = output;
    this.#root = root;
  }

  /** Aborted when the running cell is interrupted. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  interrupt(): void {
    this.#abort.abort();
  }

  /** Runs one execute_request to its end and returns the content of the reply. */
  async execute({ header, content }: Message): Promise<Json> {
    const code = String(content.code ?? '');
    const isSilent = content.silent === true;
    if (!isSilent && content.store_history !== false) this.#count++;
    const count = this.#count;
    this.#cells.set(count, code);
    this.#abort = new AbortController();
    return this.#output.within(header, async () => {
      if (!isSilent) this.#output.publish('execute_input', { code, execution_count: count });
      const failure = await this.#run(code, count, isSilent);
      this.#output.flush();
      if (failure === undefined) {
        return { status: 'ok', execution_count: count, user_expressions: {}, payload: [] };
      }
      if (!isSilent) this.#output.publish('error', { ...failure });
      return { status: 'error', execution_count: count, ...failure };
    });
  }

  async #run(code: string, count: number, isSilent: boolean): Promise<ErrorReport | undefined> {
    const { originalPosition } = this.#runner;
    const context = { root: this.#root, cells: this.#cells, count, originalPosition };
    try {
      const outcome = await this.#runner.run(code, count);
      if (outcome.kind === 'rejected') return reportMessages(outcome.messages, context);
      if (outcome.kind === 'threw') return reportThrown(outcome.error, context);
      if (outcome.value === undefined || isSilent) return undefined;
      const data = await mimeBundle(outcome.value);
      this.#output.publish('execute_result', { execution_count: count, data, metadata: {} });
      return undefined;
    } catch (error) {
      return reportThrown(error, context); // a value's own display, or the compiler, threw
    }
  }

  /** An error nobody awaited: shown under the cell that caused it, and the kernel goes on. */
  reportStray(error: unknown): void {
    const { originalPosition } = this.#runner;
    const context = { root: this.#root, cells: this.#cells, count: this.#count, originalPosition };
    const { traceback } = reportThrown(error, context);
    this.#output.print('stderr', `Not awaited, and failed:\n${traceback.join('\n')}\n`);
  }

  /** Answers a request that runs no code; undefined for a type this kernel does not know. */
  answer({ header, content }: Message): Json | undefined {
    const code = String(content.code ?? '');
    const position = Number(content.cursor_pos ?? code.length);
    switch (header.msg_type) {
      case 'is_complete_request': {
        const { completed, indent = '' } = this.#runner.isComplete(code);
        return completed ? { status: 'complete' } : { status: 'incomplete', indent };
      }
      case 'complete_request': {
        const { start, end, candidates } = this.#runner.complete(code, position);
        const range = { cursor_start: start, cursor_end: end };
        return { status: 'ok', matches: candidates, ...range, metadata: {} };
      }
      case 'inspect_request': {
        const text = this.#runner.inspect(code, position);
        const data = text === undefined ? {} : { 'text/plain': text };
        return { status: 'ok', found: text !== undefined, data, metadata: {} };
      }
      case 'history_request':
        return { status: 'ok', history: [...this.#cells].map(([n, text]) => [0, n, text]) };
      case 'comm_info_request':
        return { status: 'ok', comms: {} };
      default:
        return undefined;
    }
  }
}

/** One kernel session: executes cells. */
import type { CellRunner } from './cell-runner';
import { type ErrorReport, reportMessages, reportThrown } from './error-report';
import { type Execution, type Executions, Interrupted } from './execution';
import { untilIdle } from './idle';
import type { Order } from './orders';
import type { Output } from './output';
import { mimeBundle } from './rich-value';
import type { Json } from './wire';

type Execute = Extract<Order, { kind: 'execute' }>;

const LEFT = 'The cell was left while its code went on; what that still prints appears here.\n';

export class Session {
  readonly #runner: CellRunner;
  readonly #output: Output;
  readonly #executions: Executions;
  readonly #root: string;
  readonly #cells = new Map<number, string>();
  #count = 0;
  #running: { readonly execution: Execution; readonly leave: () => void } | undefined;

  constructor(runner: CellRunner, output: Output, executions: Executions, root: string) {
    this.#runner = runner;
    this.#output = output;
    this.#executions = executions;
    this.#root = root;
  }

  /**
   * Stops the cell `id`: its waits end, its signal is aborted, its loops throw. It ends when its code has unwound, at
   * the latest when nothing goes on any more; to be left it does not need to.
   */
  async interrupt(id: number, how: 'stop' | 'leave'): Promise<void> {
    const running = this.#running;
    if (running?.execution.id !== id) return;
    running.execution.stop();
    if (how === 'stop') await untilIdle();
    running.leave();
  }

  /** Runs one cell to its end and returns the content of the reply. */
  async execute(cell: Execute): Promise<Json> {
    const { id, code, count, silent } = cell;
    this.#count = count;
    this.#cells.set(count, code);
    const execution = this.#executions.begin(id);
    const left = new Promise<'left'>((resolve) => {
      this.#running = { execution, leave: () => resolve('left') };
    });
    const failure = await this.#executions.within(execution, async () => {
      const ended = await Promise.race([this.#run(cell), left]);
      if (ended === 'left') {
        this.#runner.leave();
        this.#output.print('stderr', LEFT);
      }
      const report = this.#interruption(execution, ended === 'left' ? undefined : ended);
      if (report !== undefined && !silent) this.#output.publish('error', { ...report });
      return report;
    });
    this.#running = undefined;
    this.#executions.end(execution);
    if (failure !== undefined) return { status: 'error', execution_count: count, ...failure };
    return { status: 'ok', execution_count: count, user_expressions: {}, payload: [] };
  }

  async #run({ code, count, silent }: Execute): Promise<ErrorReport | undefined> {
    try {
      const outcome = await this.#runner.run(code, count, this.#executions.here?.signal);
      if (outcome.kind === 'rejected') return reportMessages(outcome.messages, this.#context);
      if (outcome.kind === 'threw') return this.#report(outcome.error, outcome.note);
      if (outcome.value === undefined || silent) return undefined;
      const data = await mimeBundle(outcome.value);
      this.#output.publish('execute_result', { execution_count: count, data, metadata: {} });
      return undefined;
    } catch (error) {
      return this.#report(error); // a value's own display, or the compiler, threw
    }
  }

  /** A stopped cell ends as `Interrupted`, also when its code came to a good end or failed otherwise on its way out. */
  #interruption(execution: Execution, ended: ErrorReport | undefined): ErrorReport | undefined {
    if (!execution.isStopped || ended?.ename === 'Interrupted') return ended;
    const report = this.#report(new Interrupted());
    if (ended === undefined || STOPPED.includes(ended.ename)) return report;
    return { ...report, traceback: [...report.traceback, ...ended.traceback] };
  }

  get #context() {
    const { originalPosition } = this.#runner;
    return { root: this.#root, cells: this.#cells, count: this.#count, originalPosition };
  }

  #report(error: unknown, note?: string): ErrorReport {
    return reportThrown(error, this.#context, note);
  }

  /** An error nobody awaited: shown under the cell that caused it, and the kernel goes on. */
  reportStray(error: unknown, promise?: Promise<unknown>): void {
    if (error instanceof Interrupted) return; // told by its cell
    const { traceback } = this.#report(error);
    const owner = promise && this.#executions.madeOf(promise);
    this.#output.print('stderr', `Not awaited, and failed:\n${traceback.join('\n')}\n`, owner?.id);
  }
}

/** Names of the errors by which waits and the engine itself give way to a stop. */
const STOPPED = ['AbortError'];

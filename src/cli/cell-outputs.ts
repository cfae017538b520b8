/** Gathers what a running cell publishes into the outputs that a notebook file keeps. */
import type { CellOutput, Json } from './notebook-file';

/**
 * The outputs of all cells of one run, as Jupyter's nbclient would keep them. Displays with an id are replaced wherever
 * they stand, also in earlier cells; text printed in several pieces becomes one output, and what a carriage return
 * overwrote is gone from it. Upstream: nbclient 0.11, client.py; nbconvert 7.17, preprocessors/coalescestreams.py.
 */
export class CellOutputs {
  readonly #cells: { output: CellOutput; displayId: string | undefined }[][] = [];
  #isClearing = false;

  start(cell: number): void {
    this.#cells[cell] = [];
    this.#isClearing = false;
  }

  of(cell: number): CellOutput[] {
    return (this.#cells[cell] ?? []).map(({ output }) =>
      output.output_type === 'stream' ? { ...output, text: lastWritten(output.text) } : output,
    );
  }

  /** @param content - of a message that belongs to `cell`, which has been started. */
  receive(cell: number, msgType: string, content: Json): void {
    if (msgType.endsWith('display_data')) this.#update(content);
    if (msgType === 'update_display_data') return;
    if (msgType === 'clear_output') {
      if (content.wait === true) this.#isClearing = true;
      else this.#cells[cell] = [];
      return;
    }
    const output = toOutput(msgType, content);
    if (output === undefined) return;
    if (this.#isClearing) this.#cells[cell] = [];
    this.#isClearing = false;
    const outputs = this.#cells[cell] ?? [];
    const last = outputs.at(-1);
    if (output.output_type === 'stream' && last?.output.output_type === 'stream') {
      const before = last.output;
      if (before.name === output.name) {
        last.output = { ...before, text: before.text + output.text };
        return;
      }
    }
    outputs.push({ output, displayId: displayIdOf(content) });
  }

  #update(content: Json): void {
    const displayId = displayIdOf(content);
    for (const entry of this.#cells.flat()) {
      if (displayId === undefined || entry.displayId !== displayId) continue;
      if (!('data' in entry.output)) continue;
      const { data, metadata } = content as { data: Json; metadata: Json };
      entry.output = { ...entry.output, data, metadata };
    }
  }
}

/** A progress line that was drawn over itself, as it stood at the end. */
const lastWritten = (text: string) => text.replace(/[^\n]*\r(?=[^\n])/g, '');

function displayIdOf({ transient }: Json): string | undefined {
  const id = (transient as Json | undefined)?.display_id;
  return typeof id === 'string' ? id : undefined;
}

function toOutput(msgType: string, content: Json): CellOutput | undefined {
  const { data = {}, metadata = {} } = content as { data?: Json; metadata?: Json };
  switch (msgType) {
    case 'stream':
      return { output_type: 'stream', name: String(content.name), text: String(content.text) };
    case 'display_data':
      return { output_type: 'display_data', data, metadata };
    case 'execute_result': {
      const execution_count = Number(content.execution_count);
      return { output_type: 'execute_result', data, metadata, execution_count };
    }
    case 'error': {
      const { ename, evalue, traceback } = content as Extract<CellOutput, { ename: string }>;
      return { output_type: 'error', ename, evalue, traceback };
    }
    default:
      return undefined;
  }
}

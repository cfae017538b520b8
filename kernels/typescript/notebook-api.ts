/** What the kernel offers to library code that runs in its process (`src/show`). */
import type { Executions } from './execution';
import { replaceModule } from './modules';
import type { DisplayOptions, MimeBundle, Output } from './output';
import type { Json } from './wire';

/** Where on `globalThis` a library finds the notebook it runs in; absent outside a kernel. */
export const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');

export interface Notebook {
  display(data: MimeBundle, options?: DisplayOptions): void;
  update(displayId: string, data: MimeBundle, metadata?: Json): void;
  clear(when: 'now' | 'next'): void;
  /**
   * Aborted when the person stops the cell that asks. A loop that lets nothing else run learns of it by reading
   * `aborted`, or through `throwIfAborted`.
   */
  readonly signal: AbortSignal;
}

export function offerNotebook(output: Output, executions: Executions): void {
  const notebook: Notebook = {
    display: (data, options) => output.display(data, options),
    update: (displayId, data, metadata) => output.update(displayId, data, metadata),
    clear: (when) => output.clear(when),
    get signal() {
      return executions.current?.watch() ?? new AbortController().signal;
    },
  };
  Object.defineProperty(globalThis, NOTEBOOK, { value: notebook, configurable: true });
  const outputs = (count?: number) => output.publish('show_again', { count });
  Object.defineProperty(globalThis, 'outputs', { value: outputs, writable: true });
  offerTslabDisplay(output);
}

/** `import { display } from 'tslab'` works too; tslab is loaded then, for it brings a compiler along. */
function offerTslabDisplay(output: Output): void {
  const file = require.resolve('tslab');
  const load = () => {
    delete require.cache[file];
    const jupyter = require('tslab/dist/jupyter');
    jupyter.lastWriteDisplayData = (content: Json, update: boolean) =>
      output.publish(update ? 'update_display_data' : 'display_data', content);
    return require(file);
  };
  replaceModule(file, { get: load });
}

/**
 * What the last cells have shown, kept for a page that did not see it: a page drops what comes for a cell that was started
 * before it was loaded, since it knows nothing of that request (@jupyterlab/services, kernel/default.ts).
 */
import type { StreamName } from './stream-text';
import type { Json } from './wire';

const MOST_CELLS = 20;
const MOST_CHARACTERS = 2_000_000; // of each cell

/** A message as it would be published again. */
export interface ShownMessage {
  readonly msgType: string;
  readonly content: Json;
}

interface Cell {
  readonly count: number;
  messages: (ShownMessage & { readonly size: number })[];
  characters: number;
  /** Characters that had no room any more. */
  dropped: number;
  /** The next output takes the place of all before it. */
  clears: boolean;
}

export class Shown {
  /** By request, the oldest first. */
  readonly #cells = new Map<number, Cell>();

  /** A cell begins. */
  begin(owner: number, count: number): void {
    this.#cells.set(owner, { count, messages: [], characters: 0, dropped: 0, clears: false });
    const [oldest] = this.#cells.keys();
    if (this.#cells.size > MOST_CELLS && oldest !== undefined) this.#cells.delete(oldest);
  }

  print(owner: number, name: StreamName, text: string): void {
    this.#add(owner, { msgType: 'stream', content: { name, text } }, text.length);
  }

  /** @param json the content */
  publish(owner: number, msgType: string, json: Buffer): void {
    const content: Json = JSON.parse(json.toString());
    if (msgType === 'update_display_data') this.#update(content, json.length);
    else if (msgType === 'clear_output') this.#clear(owner, content.wait === true);
    else this.#add(owner, again(msgType, content), json.length);
  }

  /**
   * What a cell has shown so far, by the number in its brackets; without one, the last before `owner` that showed anything.
   * A sentence instead where that is not kept.
   */
  of(count: number | undefined, owner: number): readonly ShownMessage[] | string {
    const cells = [...this.#cells].flatMap(([id, cell]) =>
      id !== owner && cell.messages.length > 0 ? [cell] : [],
    );
    const cell = cells.filter((one) => count === undefined || one.count === count).at(-1);
    if (!cell) {
      const kept = cells.map((one) => `[${one.count}]`).join(', ');
      const what = count === undefined ? 'No output' : `No output of cell [${count}]`;
      return `${what} is kept; ${kept === '' ? 'no cell has shown any' : `there is that of ${kept}`}.\n`;
    }
    if (cell.dropped === 0) return cell.messages;
    const text = `… the first ${cell.dropped} characters are no longer kept\n`;
    return [{ msgType: 'stream', content: { name: 'stderr', text } }, ...cell.messages];
  }

  #add(owner: number, message: ShownMessage, size: number): void {
    const cell = this.#cells.get(owner);
    if (!cell) return;
    if (cell.clears) empty(cell);
    cell.messages.push({ ...message, size });
    cell.characters += size;
    while (cell.characters > MOST_CHARACTERS) drop(cell);
  }

  #clear(owner: number, waits: boolean): void {
    const cell = this.#cells.get(owner);
    if (cell && waits) cell.clears = true;
    else if (cell) empty(cell);
  }

  /** A display is replaced where it stands, in whatever cell that is. */
  #update(content: Json, size: number): void {
    const id = displayId(content);
    for (const cell of this.#cells.values())
      cell.messages = cell.messages.map((message) => {
        if (id === undefined || displayId(message.content) !== id) return message;
        cell.characters += size - message.size;
        return { ...message, content, size };
      });
  }
}

/** A result belongs to its own cell's number, and an error would mark the cell that shows it again. */
function again(msgType: string, content: Json): ShownMessage {
  if (msgType === 'execute_result') {
    const { data, metadata } = content;
    return { msgType: 'display_data', content: { data, metadata, transient: {} } };
  }
  if (msgType !== 'error') return { msgType, content };
  const text = `${(content.traceback as readonly string[]).join('\n')}\n`;
  return { msgType: 'stream', content: { name: 'stderr', text } };
}

function empty(cell: Cell): void {
  Object.assign(cell, { messages: [], characters: 0, dropped: 0, clears: false });
}

function drop(cell: Cell): void {
  const size = cell.messages.shift()?.size ?? 0;
  cell.characters -= size;
  cell.dropped += size;
}

function displayId({ transient }: Json): string | undefined {
  const id = (transient as { readonly display_id?: unknown } | undefined)?.display_id;
  return typeof id === 'string' ? id : undefined;
}

/** What a cell prints and displays, in order, to its own cell, without drowning the client. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Header, Json } from './wire';

/** Publishes one message on behalf of a request. */
export type Publish = (msgType: string, content: Json, parent: Partial<Header>) => void;

/** A value's forms by MIME type. */
export type MimeBundle = { readonly [mime: string]: unknown };

export interface DisplayOptions {
  /** Under which `update` finds this display again. */
  readonly displayId?: string;
  readonly metadata?: Json;
}

const FLUSH_MS = 50;
const FLUSH_BYTES = 64 * 1024;

/**
 * Routes standard output, displays and late prints to the cell that caused them.
 * Printed text is gathered for 50 ms or 64 KB, so that 100,000 lines are some dozen messages.
 */
export class Output {
  readonly #publish: Publish;
  readonly #cells = new AsyncLocalStorage<Partial<Header>>();
  #last: Partial<Header> = {};
  #pending: { name: string; text: string[]; bytes: number; parent: Partial<Header> } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(publish: Publish) {
    this.#publish = publish;
    this.#capture('stdout', process.stdout);
    this.#capture('stderr', process.stderr);
  }

  /** Runs `cell`; what it prints, now or later, belongs to the request `parent`. */
  within<T>(parent: Partial<Header>, cell: () => T): T {
    this.#last = parent;
    return this.#cells.run(parent, cell);
  }

  print(name: 'stdout' | 'stderr', text: string): void {
    const parent = this.#parent();
    const pending = this.#pending;
    if (pending === undefined || pending.name !== name || pending.parent !== parent) {
      this.flush();
      this.#pending = { name, text: [text], bytes: text.length, parent };
      this.#timer = setTimeout(() => this.flush(), FLUSH_MS);
    } else {
      pending.text.push(text);
      pending.bytes += text.length;
    }
    if ((this.#pending?.bytes ?? 0) >= FLUSH_BYTES) this.flush();
  }

  display(data: MimeBundle, { displayId, metadata = {} }: DisplayOptions = {}): void {
    const transient = displayId === undefined ? {} : { display_id: displayId };
    this.publish('display_data', { data, metadata, transient });
  }

  /** Replaces a display where it stands, in whatever cell that is. */
  update(displayId: string, data: MimeBundle, metadata: Json = {}): void {
    const transient = { display_id: displayId };
    this.publish('update_display_data', { data, metadata, transient });
  }

  /** @param when - `'next'` waits for the next output, so that the page does not flicker. */
  clear(when: 'now' | 'next'): void {
    this.publish('clear_output', { wait: when === 'next' });
  }

  /** Publishes for the running cell, after everything printed so far. */
  publish(msgType: string, content: Json): void {
    this.flush();
    this.#publish(msgType, content, this.#parent());
  }

  flush(): void {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { name, text, parent } = pending;
    this.#publish('stream', { name, text: text.join('') }, parent);
  }

  #parent(): Partial<Header> {
    return this.#cells.getStore() ?? this.#last;
  }

  #capture(name: 'stdout' | 'stderr', stream: NodeJS.WriteStream): void {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      this.print(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    };
  }
}

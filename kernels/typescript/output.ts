/** What a cell prints and displays, in order, under its own cell, also when it comes later. */
import type { Executions } from './execution';
import { pack } from './orders';
import type { PipeWriter } from './shared-pipe';
import type { StreamName } from './stream-text';
import type { Json } from './wire';

/** A value's forms by MIME type. */
export type MimeBundle = { readonly [mime: string]: unknown };

export interface DisplayOptions {
  /** Under which `update` finds this display again. */
  readonly displayId?: string;
  readonly metadata?: Json;
}

/** Sends standard output and displays to the sockets' thread, named after the cell that caused them. */
export class Output {
  readonly #pipe: PipeWriter;
  readonly #executions: Executions;

  constructor(pipe: PipeWriter, executions: Executions) {
    this.#pipe = pipe;
    this.#executions = executions;
    this.#capture('stdout', process.stdout);
    this.#capture('stderr', process.stderr);
  }

  print(name: StreamName, text: string, owner = this.#owner): void {
    this.#pipe.print(name, owner, text);
  }

  display(data: MimeBundle, { displayId, metadata = {} }: DisplayOptions = {}): void {
    const transient = displayId === undefined ? {} : { display_id: displayId };
    this.publish('display_data', { data, metadata, transient });
  }

  /** A line of the kernel's own about the cell. */
  note(text: string): void {
    const html = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\n', '<br>');
    this.display({ 'text/html': `<small>${html}</small>`, 'text/plain': text });
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

  /** Publishes after everything printed so far. */
  publish(msgType: string, content: Json): void {
    this.#pipe.send(this.#owner, pack(msgType, content));
  }

  /** Answers a request. */
  reply(id: number, content: Json): void {
    this.#pipe.send(id, pack('reply', content));
  }

  get #owner(): number {
    return this.#executions.current?.id ?? 0;
  }

  #capture(name: StreamName, stream: NodeJS.WriteStream): void {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      if (typeof chunk === 'string') this.print(name, chunk);
      else this.#pipe.printBytes(name, this.#owner, chunk);
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    };
  }
}

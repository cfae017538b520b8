/**
 * A pipe through shared memory, from the thread that runs cells to the one that holds the sockets. What is written
 * can be read at once, also while the writer is inside a native call; a writer that is too fast waits for the reader.
 *
 * Records are published whole or not at all, so code that is broken off in the middle of a write leaves no half record.
 */

/** What a reader receives: printed bytes, or the UTF-8 of one whole message. */
export interface PipeRecord {
  readonly kind: 'stdout' | 'stderr' | 'message';
  /** The request on whose behalf it was written. */
  readonly owner: number;
  readonly payload: Buffer;
}

type Kind = PipeRecord['kind'] | 'start' | 'part' | 'end';
const KINDS: readonly Kind[] = ['stdout', 'stderr', 'message', 'start', 'part', 'end'];

const [HEAD, TAIL, LISTENING] = [0, 1, 2]; // bytes ever written and read, modulo 2³²; whether to ring
const STATE_BYTES = 12;
const HEADER_BYTES = 9; // u32 length, u32 owner, u8 kind
const LARGEST_PAYLOAD = 32 * 1024;
const LONGEST_TEXT = 10_000; // UTF-16 units, of 3 bytes each at most
const WAIT_MS = 100;

/** @param capacity - in bytes, a power of two above 32 KB. */
export function pipeMemory(capacity = 1 << 20): SharedArrayBuffer {
  return new SharedArrayBuffer(STATE_BYTES + capacity);
}

class PipeEnd {
  protected readonly state: Int32Array;
  protected readonly bytes: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.state = new Int32Array(memory, 0, 3);
    this.bytes = Buffer.from(memory, STATE_BYTES);
  }

  protected used(): number {
    return (Atomics.load(this.state, HEAD) - Atomics.load(this.state, TAIL)) >>> 0;
  }

  protected indexOf(position: number): number {
    return (position >>> 0) % this.bytes.length;
  }
}

export interface WriterOptions {
  /** Wakes a reader that sleeps. */
  readonly ring: () => void;
  /** Asked ten times a second while there is no room to print; what is given up is lost. @default never */
  readonly givesUp?: () => boolean;
}

export class PipeWriter extends PipeEnd {
  readonly #options: WriterOptions;
  readonly #record = Buffer.alloc(HEADER_BYTES + LARGEST_PAYLOAD);

  constructor(memory: SharedArrayBuffer, options: WriterOptions) {
    super(memory);
    this.#options = options;
  }

  print(kind: 'stdout' | 'stderr', owner: number, text: string): void {
    if (text.length <= LONGEST_TEXT) this.#putText(kind, owner, text);
    else for (const part of slices(text)) this.#putText(kind, owner, part);
    this.#ringIfAsked();
  }

  /** Bytes, which may end inside a character. */
  printBytes(kind: 'stdout' | 'stderr', owner: number, data: Uint8Array): void {
    for (let from = 0; from < data.length; from += LARGEST_PAYLOAD) {
      const part = data.subarray(from, from + LARGEST_PAYLOAD);
      this.#record.set(part, HEADER_BYTES);
      this.#publish(kind, owner, part.length);
    }
    this.#ringIfAsked();
  }

  /** A message of any length, which the reader receives as one. */
  send(owner: number, text: string): void {
    if (text.length <= LONGEST_TEXT) {
      this.#putText('message', owner, text);
    } else {
      let kind: Kind = 'start';
      for (const part of slices(text)) {
        this.#putText(kind, owner, part);
        kind = 'part';
      }
      this.#putText('end', owner, '');
    }
    this.#options.ring();
  }

  #putText(kind: Kind, owner: number, text: string): void {
    this.#publish(kind, owner, this.#record.write(text, HEADER_BYTES));
  }

  #publish(kind: Kind, owner: number, length: number): void {
    const total = HEADER_BYTES + length;
    const isPrinted = kind === 'stdout' || kind === 'stderr';
    while (this.bytes.length - this.used() < total) {
      if (isPrinted && this.#options.givesUp?.()) return;
      this.#ringIfAsked();
      const tail = Atomics.load(this.state, TAIL);
      if (this.bytes.length - this.used() < total) Atomics.wait(this.state, TAIL, tail, WAIT_MS);
    }
    this.#record.writeUInt32LE(length, 0);
    this.#record.writeUInt32LE(owner, 4);
    this.#record[8] = KINDS.indexOf(kind);
    const head = Atomics.load(this.state, HEAD);
    const start = this.indexOf(head);
    const copied = this.#record.copy(this.bytes, start, 0, total);
    if (copied < total) this.#record.copy(this.bytes, 0, copied, total);
    Atomics.store(this.state, HEAD, head + total);
  }

  #ringIfAsked(): void {
    if (Atomics.exchange(this.state, LISTENING, 0) === 1) this.#options.ring();
  }
}

export class PipeReader extends PipeEnd {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #parts: Buffer[] = [];

  /** The next record, or undefined when there is none now. */
  read(): PipeRecord | undefined {
    while (this.used() > 0) {
      const { kind, owner, payload } = this.#take();
      if (kind === 'stdout' || kind === 'stderr' || kind === 'message')
        return { kind, owner, payload };
      if (kind === 'start') this.#parts = []; // a message that was broken off is dropped
      this.#parts.push(payload);
      if (kind === 'end') return { kind: 'message', owner, payload: Buffer.concat(this.#parts) };
    }
    return undefined;
  }

  /** Asks the writer to ring at its next record. Read once more after this. */
  listen(): void {
    Atomics.store(this.state, LISTENING, 1);
  }

  #take() {
    const tail = Atomics.load(this.state, TAIL);
    const header = this.#copy(tail, this.#header);
    const payload = this.#copy(tail + HEADER_BYTES, Buffer.allocUnsafe(header.readUInt32LE(0)));
    Atomics.store(this.state, TAIL, tail + HEADER_BYTES + payload.length);
    Atomics.notify(this.state, TAIL);
    const kind = KINDS[header[8] ?? KINDS.length];
    if (kind === undefined)
      throw new Error(`The pipe has a record of an unknown kind, ${header[8]}.`);
    return { kind, owner: header.readUInt32LE(4), payload };
  }

  /** Fills `target` from `position` on. */
  #copy(position: number, target: Buffer): Buffer {
    const start = this.indexOf(position);
    const copied = this.bytes.copy(target, 0, start, start + target.length);
    if (copied < target.length) this.bytes.copy(target, copied, 0, target.length - copied);
    return target;
  }
}

/** Parts of a text that have whole characters. */
function* slices(text: string): Generator<string> {
  let from = 0;
  while (text.length - from > LONGEST_TEXT) {
    const last = text.charCodeAt(from + LONGEST_TEXT - 1);
    const to = from + LONGEST_TEXT - (last >= 0xd800 && last < 0xdc00 ? 1 : 0);
    yield text.slice(from, to);
    from = to;
  }
  yield from === 0 ? text : text.slice(from);
}

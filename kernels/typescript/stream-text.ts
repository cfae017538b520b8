/** Joins what is printed: 100,000 lines are some dozen messages. */
import { StringDecoder } from 'node:string_decoder';

export type StreamName = 'stdout' | 'stderr';

const FLUSH_MS = 50;
const FLUSH_BYTES = 64 * 1024;

interface Pending {
  readonly name: StreamName;
  readonly owner: number;
  readonly chunks: Buffer[];
  bytes: number;
}

/** Publishes text 50 ms after its first part, after 64 KB, or when another stream or owner prints. */
export class StreamText {
  readonly #publish: (name: StreamName, owner: number, text: string) => void;
  readonly #decoders = new Map<string, StringDecoder>();
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(publish: (name: StreamName, owner: number, text: string) => void) {
    this.#publish = publish;
  }

  /** @param bytes - UTF-8 that may begin and end inside a character */
  add(name: StreamName, owner: number, bytes: Buffer): void {
    let pending = this.#pending;
    if (pending === undefined || pending.name !== name || pending.owner !== owner) {
      this.flush();
      pending = { name, owner, chunks: [], bytes: 0 };
      this.#pending = pending;
      this.#timer = setTimeout(() => this.flush(), FLUSH_MS);
    }
    pending.chunks.push(bytes);
    pending.bytes += bytes.length;
    if (pending.bytes >= FLUSH_BYTES) this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { name, owner, chunks } = pending;
    const text = this.#decoder(name, owner).write(Buffer.concat(chunks));
    if (text !== '') this.#publish(name, owner, text);
  }

  /** Keeps what a stream has printed of a character. */
  #decoder(name: StreamName, owner: number): StringDecoder {
    const key = `${name} ${owner}`;
    const known = this.#decoders.get(key);
    if (known !== undefined) return known;
    if (this.#decoders.size > 100) this.#decoders.clear(); // those of cells long ago
    const decoder = new StringDecoder('utf8');
    this.#decoders.set(key, decoder);
    return decoder;
  }
}

/** Shared by both threads: which execution is to stop. Seen at once by code that lets nothing else run. */
export class StopFlag {
  readonly #stopped: Int32Array;
  #looks = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#stopped = new Int32Array(memory);
  }

  /** The execution that is to stop; 0 for none. */
  get execution(): number {
    return Atomics.load(this.#stopped, 0);
  }

  set execution(id: number) {
    Atomics.store(this.#stopped, 0, id);
  }

  /**
   * For loops that ask at every turn. A plain read takes a twentieth of an atomic one; a compiler may take it out of a
   * loop (V8 does not), so that every thousandth is atomic.
   */
  isSet(): boolean {
    if (this.#stopped[0] !== 0) return true;
    this.#looks = (this.#looks + 1) & 1023;
    return this.#looks === 0 && this.execution !== 0;
  }
}

export const stopMemory = (): SharedArrayBuffer => new SharedArrayBuffer(4);

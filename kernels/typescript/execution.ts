/** The cells that run or have run, and which of them the code at hand belongs to. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import type { StopFlag } from './stop-flag';

/** What an interrupted cell ends with. */
export class Interrupted extends Error {
  override name = 'Interrupted' as const;
  constructor(options?: ErrorOptions) {
    super('The cell was stopped.', options);
  }
}

/** How long a loop of a cell that watches its signal itself may go on after it should have stopped. */
const PATIENCE_MS = 2000;

/**
 * One run of a cell, with everything it started. A stop is flagged by another thread at any moment, in the middle of a
 * library's work too; the signal's listeners hear of it between two turns of the event loop, whoever asks at once.
 */
export class Execution {
  readonly id: number;
  /** Aborted when the cell is interrupted. */
  readonly signal: AbortSignal;
  readonly #flag: StopFlag;
  readonly #controller = new AbortController();
  #state: 'running' | 'unwinding' | 'over' = 'running';
  #watches = false;
  #noticed: number | undefined;
  #interrupted: Interrupted | undefined;

  constructor(id: number, flag: StopFlag) {
    this.id = id;
    this.#flag = flag;
    this.signal = this.#controller.signal;
    setMaxListeners(0, this.signal); // every wait of the cell may listen
    Object.defineProperties(this.signal, {
      aborted: { get: () => this.#tell() !== undefined },
      reason: { get: () => this.#tell() },
      throwIfAborted: {
        value: () => {
          const reason = this.#tell();
          if (reason !== undefined) throw reason;
        },
      },
    });
  }

  /** What the cell is stopped by, once it is; whoever asks knows of it from then on. */
  #tell(): Interrupted | undefined {
    if (!this.isStopped) return undefined;
    if (this.#state === 'running') this.#state = 'unwinding';
    this.#interrupted ??= new Interrupted();
    return this.#interrupted;
  }

  /** The signal for a cell's own code, which then stops by itself where it likes. */
  watch(): AbortSignal {
    this.#watches = true;
    return this.signal;
  }

  get isStopped(): boolean {
    return this.#state !== 'running' || this.#flag.execution === this.id;
  }

  /** Whether its code has been told: what it begins from then on is to save its work. */
  get isUnwinding(): boolean {
    return this.#state !== 'running';
  }

  /** Tells all who listen. Called between turns of the event loop: a listener may not be ready sooner. */
  stop(): void {
    if (this.#state === 'running') this.#state = 'unwinding';
    this.#controller.abort(this.#tell());
  }

  /** Whether it was stopped and has ended: what it left behind is to end too. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  end(): void {
    if (!this.isStopped) return;
    this.stop();
    this.#state = 'over';
  }

  /** Ends a loop of a stopped cell; one that watches its signal is given time. */
  checkLoop(): void {
    if (!this.isStopped) return;
    this.#noticed ??= performance.now();
    if (this.#watches && performance.now() - this.#noticed < PATIENCE_MS) return;
    this.#tell();
    throw new Interrupted(); // one of its own: its trace names the loop
  }
}

/** How long loops that a stopped cell left behind are looked for. */
const LEFTOVERS_MS = 10_000;

export class Executions {
  readonly #flag: StopFlag;
  readonly #contexts = new AsyncLocalStorage<Execution>();
  #last: Execution | undefined;

  constructor(flag: StopFlag) {
    this.#flag = flag;
  }

  begin(id: number): Execution {
    this.#last = new Execution(id, this.#flag);
    return this.#last;
  }

  /** Ends an execution. Some time later loops cost what they did before the cell was stopped. */
  end(execution: Execution): void {
    const { id } = execution;
    execution.end();
    if (this.#flag.execution !== id) return;
    setTimeout(() => {
      if (this.#flag.execution === id) this.#flag.execution = 0;
    }, LEFTOVERS_MS).unref();
  }

  /** Runs `code`; it and all it starts, now or later, belong to `execution`. */
  within<T>(execution: Execution, code: () => T): T {
    return this.#contexts.run(execution, code);
  }

  /** Of the code at hand, where that is known. */
  get here(): Execution | undefined {
    return this.#contexts.getStore();
  }

  /** Of the code that made a promise; undefined where Node does not tell. */
  madeOf(promise: Promise<unknown>): Execution | undefined {
    // Until Node 24 a context is kept on the promises that are made in it, under this key.
    const { kResourceStore } = this.#contexts as { kResourceStore?: symbol };
    const found: unknown = kResourceStore && Reflect.get(promise, kResourceStore);
    return found instanceof Execution ? found : undefined;
  }

  /** Of the code at hand, or the last one begun. */
  get current(): Execution | undefined {
    return this.here ?? this.#last;
  }

  /** Called by every turn of every loop of a cell. */
  readonly checkLoop = (): void => {
    if (this.#flag.isSet()) this.here?.checkLoop();
  };
}

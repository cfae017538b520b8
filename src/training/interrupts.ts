/** Ctrl-C and SIGTERM as a wish to stop: the loop ends its micro-batch, saves, and says how to resume. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type Signal = (typeof SIGNALS)[number];
type Listener = (signal: Signal) => void;

/** Where signals come from: the process, or a test. */
export interface SignalSource {
  on(signal: Signal, listener: Listener): unknown;
  off(signal: Signal, listener: Listener): unknown;
}

export interface InterruptOptions {
  /** Called once, at the first signal. */
  readonly onInterrupt?: (signal: Signal) => void;
  /** Signals that follow the first within this time are the same key press. @default 500 */
  readonly samePressMs?: number;
  /** @default process */
  readonly source?: SignalSource;
}

export interface Interrupts {
  /** Aborted by the first signal, whose name is the reason. */
  readonly signal: AbortSignal;
  /** Stops listening: signals end the process again. */
  dispose(): void;
}

/**
 * Turns the first SIGINT or SIGTERM into an abort. npm passes on a Ctrl-C that the terminal has sent to the whole group,
 * so one press may come twice; after that the listeners are gone, and the next signal ends the process at once, by the
 * system's own hand, even in the middle of a computation.
 */
export function watchInterrupts({
  onInterrupt = () => undefined,
  samePressMs = 500,
  source = process,
}: InterruptOptions = {}): Interrupts {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const listener: Listener = (name) => {
    if (controller.signal.aborted) return;
    timer = setTimeout(dispose, samePressMs).unref();
    controller.abort(name);
    onInterrupt(name);
  };
  const dispose = () => {
    clearTimeout(timer);
    for (const name of SIGNALS) source.off(name, listener);
  };
  for (const name of SIGNALS) source.on(name, listener);
  return { signal: controller.signal, dispose };
}

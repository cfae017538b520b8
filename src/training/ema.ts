import type { Parameters } from '../engine';

export interface EmaOptions {
  /** Largest share of the average that a step keeps. @default 0.9999 */
  readonly decay?: number;
  /** @default 0 */
  readonly minDecay?: number;
  /** Steps at which the average is only the weights themselves. @default 0 */
  readonly updateAfterStep?: number;
  /** Crowson's schedule, 1 − (1 + t / invGamma)^−power, in place of (1 + t) / (10 + t). @default false */
  readonly useEmaWarmup?: boolean;
  /** @default 1 */
  readonly invGamma?: number;
  /** @default 2 / 3 */
  readonly power?: number;
}

/** Share of the average that step number `optimizationStep`, counted from 1, keeps. */
export function emaDecay(optimizationStep: number, options: EmaOptions = {}): number {
  const { decay = 0.9999, minDecay = 0, updateAfterStep = 0 } = options;
  const { useEmaWarmup = false, invGamma = 1, power = 2 / 3 } = options;
  const t = optimizationStep - updateAfterStep - 1;
  if (t <= 0) return 0;
  const scheduled = useEmaWarmup ? 1 - (1 + t / invGamma) ** -power : (1 + t) / (10 + t);
  return Math.max(Math.min(scheduled, decay), minDecay);
}

/**
 * Exponential moving average of weights that are being trained. It owns the average; the weights are yours.
 * Upstream: diffusers `EMAModel`, of which it has the arithmetic and the defaults.
 */
export class Ema {
  /** The average: to compute with, to save, and to bring back. */
  readonly average: Parameters;
  private steps = 0;

  constructor(
    private readonly weights: Parameters,
    private readonly options: EmaOptions = {},
  ) {
    this.average = weights.clone();
  }

  /** Takes the weights into the average, after each step of the optimizer. Returns the decay. */
  step(): number {
    this.steps += 1;
    const decay = emaDecay(this.steps, this.options);
    this.average.lerp(this.weights, 1 - decay);
    return decay;
  }

  /** Number of steps taken; saved with the average. */
  get optimizationStep(): number {
    return this.steps;
  }

  /** Sets the count of steps taken, after the average was brought back. */
  resumeAt(optimizationStep: number): void {
    this.steps = optimizationStep;
  }

  dispose(): void {
    this.average.dispose();
  }
}

/** Factor on the learning rate of an optimizer step, counted from 0. */
export type LrSchedule = (step: number) => number;

/** The rate that `polynomial` falls to in diffusers. */
export const POLYNOMIAL_END = 1e-7;

export interface LrScheduleOptions {
  /** Steps over which the rate rises linearly from 0; the first step is taken at rate 0. */
  readonly warmupSteps: number;
  /** Length of the run; needed by schedules that fall. */
  readonly trainingSteps: number;
  /**
   * Waves of a cosine: hard restarts of `cosine_with_restarts`, @default 1; periods of `cosine`, @default 0.5, from the
   * full rate to 0 (diffusers' `get_scheduler` always takes that).
   */
  readonly numCycles?: number;
  /** Of `polynomial`. @default 1 */
  readonly power?: number;
  /** The rate itself, not a factor, that `polynomial` falls to. @default 1e-7 */
  readonly lrEnd?: number;
  /** The rate that the factor will be of: `polynomial` needs it to end at `lrEnd`. @default 1 */
  readonly learningRate?: number;
  /**
   * Of `piecewise_constant`: factors with the steps at which they end, and the last one, as "1:10,0.1:20,0.01": 1 before
   * step 10, 0.1 before step 20, then 0.01.
   */
  readonly stepRules?: string;
}

/**
 * `fall` after the warm-up, told how far the rest of the run is, 0 … 1 and beyond, and what is left of it: 1 minus that,
 * save where the warm-up is the whole run.
 */
function afterWarmup(
  { warmupSteps, trainingSteps }: LrScheduleOptions,
  fall: (progress: number, left: number) => number,
): LrSchedule {
  const length = Math.max(1, trainingSteps - warmupSteps);
  return (step) =>
    step < warmupSteps
      ? step / Math.max(1, warmupSteps)
      : fall((step - warmupSteps) / length, (trainingSteps - step) / length);
}

const halfCosine = (turns: number) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * turns)));

/** @throws RangeError where the rate would not fall */
function polynomial(options: LrScheduleOptions): LrSchedule {
  const { power = 1, lrEnd = POLYNOMIAL_END, learningRate = 1 } = options;
  if (learningRate <= lrEnd)
    throw new RangeError(
      `A polynomial schedule falls to a rate of ${lrEnd}; the learning rate must be higher, got ${learningRate}.`,
    );
  const end = lrEnd / learningRate;
  return afterWarmup(options, (progress) =>
    progress > 1 ? end : (1 - end) * (1 - progress) ** power + end,
  );
}

/** @throws RangeError for rules of another form */
function piecewiseConstant({ stepRules = '' }: LrScheduleOptions): LrSchedule {
  const parts = stepRules.split(',').map((part) => part.split(':'));
  const last = parts.pop() ?? [];
  const isNumber = (text?: string) =>
    text !== undefined && text.trim() !== '' && !Number.isNaN(+text);
  const isRule = ([factor, until]: readonly string[]) =>
    isNumber(factor) && /^\s*\d+\s*$/.test(until ?? '');
  if (last.length !== 1 || !isNumber(last[0]) || !parts.every((p) => p.length === 2 && isRule(p)))
    throw new RangeError(
      `Step rules are factors with the steps at which they end, and a last factor, as "1:10,0.1:20,0.01"; got "${stepRules}".`,
    );
  const rules = parts.map(([factor, until]) => ({ factor: Number(factor), until: Number(until) }));
  rules.sort((a, b) => a.until - b.until);
  return (step) => rules.find(({ until }) => step < until)?.factor ?? Number(last[0]);
}

/** Upstream: diffusers.optimization, under diffusers' names. */
export const lrSchedules = {
  constant: () => () => 1,
  constant_with_warmup: (options: LrScheduleOptions) => afterWarmup(options, () => 1),
  linear: (options: LrScheduleOptions) =>
    afterWarmup(options, (_progress, left) => Math.max(0, left)),
  cosine: (options: LrScheduleOptions) =>
    afterWarmup(options, (progress) => halfCosine((options.numCycles ?? 0.5) * 2 * progress)),
  cosine_with_restarts: (options: LrScheduleOptions) =>
    afterWarmup(options, (progress) =>
      progress >= 1 ? 0 : halfCosine(((options.numCycles ?? 1) * progress) % 1),
    ),
  polynomial,
  piecewise_constant: piecewiseConstant,
} as const satisfies Record<string, (options: LrScheduleOptions) => LrSchedule>;

export type LrScheduleName = keyof typeof lrSchedules;

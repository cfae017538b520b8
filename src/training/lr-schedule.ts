/** Factor on the learning rate of an optimizer step, counted from 0. */
export type LrSchedule = (step: number) => number;

export interface LrScheduleOptions {
  /** Steps over which the rate rises linearly from 0; the first step is taken at rate 0. */
  readonly warmupSteps: number;
  /** Length of the run; needed by schedules that fall. */
  readonly trainingSteps: number;
}

const warmup = (step: number, steps: number) => Math.min(1, step / Math.max(1, steps));

const progress = (step: number, { warmupSteps, trainingSteps }: LrScheduleOptions) =>
  (step - warmupSteps) / Math.max(1, trainingSteps - warmupSteps);

/** Upstream: diffusers.optimization, under diffusers' names. */
export const lrSchedules = {
  constant: () => () => 1,
  constant_with_warmup:
    ({ warmupSteps }: LrScheduleOptions) =>
    (step: number) =>
      warmup(step, warmupSteps),
  linear: (options: LrScheduleOptions) => (step: number) =>
    step < options.warmupSteps
      ? warmup(step, options.warmupSteps)
      : Math.max(0, 1 - progress(step, options)),
  cosine: (options: LrScheduleOptions) => (step: number) =>
    step < options.warmupSteps
      ? warmup(step, options.warmupSteps)
      : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress(step, options)))),
} as const satisfies Record<string, (options: LrScheduleOptions) => LrSchedule>;

export type LrScheduleName = keyof typeof lrSchedules;

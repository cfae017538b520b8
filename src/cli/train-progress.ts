/** What a terminal shows of a training run. */
import { formatDuration, formatNumber } from '../show/text';
import type { StepRecord } from '../training/record';
import { type LineTarget, LiveLine } from './progress-line';

/** What is shown of a step. */
export type ShownRecord = Pick<
  StepRecord,
  | 'step'
  | 'maxTrainSteps'
  | 'loss'
  | 'implicitAcc'
  | 'pairsPerSecond'
  | 'secondsLeft'
  | 'learningRate'
>;

/** Steps, loss, implicit accuracy, rate and time left: one line redrawn on a terminal, plain lines in a file. */
export class TrainProgress {
  private readonly started = performance.now();
  private readonly line: LiveLine;

  constructor(target: LineTarget = process.stderr) {
    this.line = new LiveLine(target);
  }

  update(record: ShownRecord): void {
    const isLast = record.step >= record.maxTrainSteps;
    const seconds = (performance.now() - this.started) / 1000;
    const time = isLast
      ? `in ${formatDuration(seconds)}`
      : `${formatDuration(record.secondsLeft)} left`;
    this.line.show(() => progressText(record, time), isLast ? 'last' : 'running');
  }

  /** Tells something once: a checkpoint saved, a picture skipped. */
  note(text: string): void {
    this.line.note(text);
  }

  /** Ends the line of a run that was cut short. */
  end(): void {
    this.line.end();
  }
}

function progressText(record: ShownRecord, time: string): string {
  const { step, maxTrainSteps, loss, implicitAcc, pairsPerSecond, learningRate } = record;
  return [
    `step ${step}/${maxTrainSteps}`,
    `loss ${formatNumber(loss)}`,
    ...(implicitAcc === undefined ? [] : [`implicit accuracy ${(100 * implicitAcc).toFixed(0)} %`]),
    `${formatNumber(pairsPerSecond, 3)} pairs/s`,
    time,
    `lr ${formatNumber(learningRate, 3)}`,
  ].join(' · ');
}

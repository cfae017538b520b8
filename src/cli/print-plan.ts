import type { TrainOptions } from '../training/options';
import { planRun } from '../training/run-plan';
import { planLines, timeLine } from './plan-text';

/** Prints what a run would do; where its models are at hand, also what it takes in memory and time. */
export async function printPlan(options: TrainOptions): Promise<void> {
  const plan = await planRun(options);
  for (const line of planLines(plan)) console.log(line);
  if (!('seconds' in plan.model)) return;
  console.error('Measuring what a step takes, for half a minute at most; Ctrl-C leaves that out.');
  console.log(timeLine(plan, plan.model.seconds()));
}

/** What one optimizer step measured, in words that say whether it is good. */
import type { StepRecord } from '../training';
import { addLook, has } from './looks';
import type { MimeBundle } from './notebook';
import { formatDuration, formatNumber } from './text';
import { bar, facts, factsText, heading, remark } from './theme';

type Facts = (readonly [string, string])[];

const known = (entries: readonly (readonly [string, number | undefined])[]): Facts =>
  entries.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, formatNumber(value)] as const],
  );

function recordBundle(record: StepRecord): MimeBundle {
  const { step, maxTrainSteps, loss, implicitAcc, margin, gradientFactor, gradNorm } = record;
  const title = `step ${step} of ${maxTrainSteps}: loss ${formatNumber(loss)}`;
  const terms = known([
    ['implicit accuracy', implicitAcc],
    ['margin', margin],
    ['pull', gradientFactor],
    ['gradient norm', gradNorm],
    ['learning rate', record.learningRate],
  ]);
  const errors = known([
    ['policy on W', record.modelLossW],
    ['policy on L', record.modelLossL],
    ['reference on W', record.refLossW],
    ['reference on L', record.refLossL],
  ]);
  const pace: Facts = [
    ['pairs/s', formatNumber(record.pairsPerSecond, 3)],
    ['left', formatDuration(record.secondsLeft)],
    ['tensors', formatNumber(record.tensors)],
  ];
  const moved = gained(record);
  const lines = [
    factsText(terms),
    ...(errors.length > 0 ? [factsText(errors)] : []),
    ...moved,
    factsText(pace),
  ];
  return {
    'text/html': [
      heading(title),
      bar(step / maxTrainSteps),
      facts(terms),
      errors.length > 0 ? facts(errors) : '',
      ...moved.map(remark),
      facts(pace),
    ].join(''),
    'text/plain': [title, ...lines.map((line) => `  ${line}`)].join('\n'),
  };
}

/** Where policy and reference are both known: on which picture the policy has become better. */
function gained({ modelLossW, refLossW, modelLossL, refLossL }: StepRecord): string[] {
  if (modelLossW === undefined || refLossW === undefined) return [];
  if (modelLossL === undefined || refLossL === undefined) return [];
  const said = (change: number) =>
    change === 0
      ? 'as well as'
      : `${formatNumber(Math.abs(change), 2)} ${change < 0 ? 'better than' : 'worse than'}`;
  const [w, l] = [modelLossW - refLossW, modelLossL - refLossL];
  return [
    `The policy denoises what was preferred ${said(w)} the reference, what was rejected ${said(l)} it.`,
  ];
}

addLook(
  'step record',
  { is: has('step', 'maxTrainSteps', 'loss', 'gradNorm', 'pairsPerSecond', 'secondsLeft') },
  recordBundle,
);

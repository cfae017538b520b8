/** What labels of two models' pictures say: how often people chose one of them. */
import { labelsByPair, meanLabel, pairsOf, readLabels } from '../data';
import type { Labels } from '../data/label-file';
import { type BootstrapOptions, bootstrapMean } from './bootstrap';
import type { WinRate } from './win-rate';

export interface LabelWinRateOptions extends BootstrapOptions {
  /** Whose labels count. @default everybody's, by their mean */
  readonly labeller?: string;
}

/**
 * How often `model`'s picture was chosen where its own stood against another's, ties counting half, with the 95 % bootstrap
 * interval of the pairs.
 *
 * @throws RangeError where no pair with a picture of the model against another's has a label
 */
export async function labelWinRate(
  source: string | Labels,
  model: string,
  { labeller, ...bootstrap }: LabelWinRateOptions = {},
): Promise<WinRate> {
  const labels = typeof source === 'string' ? readLabels(source) : source;
  const byPair = labelsByPair(labels, labeller === undefined ? {} : { labeller });
  const { pairs } = await pairsOf(labels);
  const outcomes = pairs.flatMap(({ id, models }) => {
    const given = byPair.get(id);
    const side = models.indexOf(model);
    if (!given || side < 0 || models[0] === models[1]) return [];
    const label = meanLabel(given);
    return [side === 0 ? label : 1 - label];
  });
  if (outcomes.length === 0)
    throw new RangeError(`"${labels.path}" has no label of "${model}" against another model.`);
  const count = (value: number) => outcomes.filter((outcome) => outcome === value).length;
  const counts = { wins: count(1), losses: count(0), ties: count(0.5) };
  return { ...bootstrapMean(outcomes, bootstrap), ...counts };
}

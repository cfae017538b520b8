/** How far two sets of weights are apart, block by block: what training moved. */
import { noGrad, type Parameters, tidy } from '../engine';
import { DISPLAY, type Displayable } from './notebook';
import { escapeHtml, formatNumber } from './text';
import { bar, COLOURS, folded, heading, remark, THEME } from './theme';

/** Of one weight or block: ‖b − a‖ and ‖a‖ (Frobenius), and how many numbers they are of. */
export interface WeightChange {
  readonly name: string;
  readonly change: number;
  readonly norm: number;
  readonly count: number;
}

export interface WeightsComparison extends Displayable {
  /** Each weight, in the order of `a`. */
  readonly weights: readonly WeightChange[];
  readonly whole: WeightChange;
}

/**
 * Compares weights of the same names and shapes: a base and what was trained from it, or two checkpoints.
 * Throws RangeError naming a weight that only one of them has.
 */
export function compareWeights(a: Parameters, b: Parameters): WeightsComparison {
  const stranger = b.names.find((name) => !a.has(name)) ?? a.names.find((name) => !b.has(name));
  if (stranger !== undefined)
    throw new RangeError(
      `Weights are compared by name, and only one of the two has "${stranger}".`,
    );
  const weights = a.names.map((name): WeightChange => {
    const [x, y] = [a.tensor(name), b.tensor(name)];
    if (x.shape.join() !== y.shape.join())
      throw new RangeError(`"${name}" is [${x.shape}] in the one and [${y.shape}] in the other.`);
    return tidy(() =>
      noGrad(() => {
        const before = x.cast('float32');
        const distance = (t: typeof x) => Math.sqrt(t.square().sum().item());
        return {
          name,
          change: distance(y.cast('float32').sub(before)),
          norm: distance(before),
          count: x.size,
        };
      }),
    );
  });
  const whole = joined('all weights', weights);
  return { weights, whole, [DISPLAY]: () => bundle(weights, whole) };
}

/** ‖b − a‖ / ‖a‖; 0 where nothing changed. */
export const relativeChange = ({ change, norm }: WeightChange) =>
  change === 0 ? 0 : change / norm;

function joined(name: string, parts: readonly WeightChange[]): WeightChange {
  const root = (of: (part: WeightChange) => number) =>
    Math.sqrt(parts.reduce((sum, part) => sum + of(part) ** 2, 0));
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  return { name, change: root(({ change }) => change), norm: root(({ norm }) => norm), count };
}

/** Blocks as `parts` of the names, the first `depth` of them. */
function blocks(weights: readonly WeightChange[], depth: number): Map<string, WeightChange[]> {
  const found = new Map<string, WeightChange[]>();
  for (const weight of weights) {
    const parts = weight.name.split('.');
    const name = parts.slice(0, Math.min(depth, parts.length - 1)).join('.') || weight.name;
    found.set(name, [...(found.get(name) ?? []), weight]);
  }
  return found;
}

const percent = (weight: WeightChange) => `${formatNumber(100 * relativeChange(weight), 3)} %`;

function bundle(weights: readonly WeightChange[], whole: WeightChange) {
  const most = Math.max(...weights.map(relativeChange));
  const unchanged = weights.filter(({ change }) => change === 0).length;
  const title =
    whole.change === 0
      ? 'The weights are equal'
      : `The weights differ by ${percent(whole)} of their norm`;
  const rest = unchanged > 0 ? `; ${unchanged} of ${weights.length} tensors are equal` : '';
  const outer = [...blocks(weights, 2)].map(
    ([name, parts]) => [joined(name, parts), parts] as const,
  );
  const line = (weight: WeightChange) =>
    `${bar(relativeChange(weight) / (most || 1), COLOURS[1])} ${escapeHtml(weight.name)} <span style="${THEME.faint}">${percent(weight)}</span>`;
  const listed = outer.map(([block, parts]) => {
    const first = [...parts].sort((a, b) => relativeChange(b) - relativeChange(a)).slice(0, 12);
    const inside = first.map((weight) => `${percent(weight).padStart(9)}  ${weight.name}`);
    const rest = parts.length > 12 ? [`and ${parts.length - 12} that changed less`] : [];
    return folded(
      line(block),
      `<pre style="margin:0">${escapeHtml([...inside, ...rest].join('\n'))}</pre>`,
    );
  });
  const text = outer.map(([block]) => `  ${block.name}: ${percent(block)}`);
  return {
    'text/html':
      heading(title + rest) +
      remark('‖b − a‖ / ‖a‖ of each block; open one for its tensors') +
      listed.join(''),
    'text/plain': [title + rest, ...text].join('\n'),
  };
}

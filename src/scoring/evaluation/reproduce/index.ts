/** The paper's tables and figures by name, one call each. */
import { fig6, s2 } from './ablations';
import { s4 } from './best-of-n';
import type { Policy } from './policy-row';
import type { Reproduction, ReproductionName } from './rows';
import { table2 } from './table2';

export interface ReproduceOptions {
  /** Of what is trained and drawn in the embedded world; `small` shows the form alone, in seconds. @default 'full' */
  readonly budget?: 'small' | 'full' | undefined;
  /** Where models, pictures and scores of `s2`, `s4` and `fig6` are kept, and gone on with. @default 'runs/reproduce' */
  readonly outputDir?: string | undefined;
  /** Held-out pairs of Table 2. @default Pick-a-Pic v2, where it is in the cache */
  readonly pairs?: string | undefined;
  /** @default 'validation_unique' */
  readonly split?: string | undefined;
  /** Of those the first so many. @default all */
  readonly maxPairs?: number | undefined;
  /** Places of scorers' weights by name, where they are not in the cache. */
  readonly weights?: Readonly<Record<string, string>> | undefined;
  /** Places of Table 2's policies by their names there, where they are not in the cache. */
  readonly policies?: Readonly<Record<string, Policy>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told what is being done. */
  readonly onNote?: ((sentence: string) => void) | undefined;
}

/**
 * Computes what of a table or figure can be computed here, the paper's numbers beside it: `table2` accuracies on held-out
 * pairs, `s2` the ablation of β, `s4` best of n, `fig6` who is pleased by whose labels. Nothing is downloaded: what is not
 * at hand is named.
 */
export function reproduce(
  name: ReproductionName,
  options: ReproduceOptions = {},
): Promise<Reproduction> {
  return { table2, s2, s4, fig6 }[name](options);
}

export {
  REPRODUCTIONS,
  type ReproducedRow,
  type Reproduction,
  type ReproductionName,
  reproductionText,
} from './rows';
export { worldImplicitReport } from './table2';

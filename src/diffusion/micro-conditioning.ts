import { AESTHETIC_SCORE, type ConditioningRule, timeIds } from '../models';

/** What SDXL is told beside the prompts. Names and defaults are those of diffusers' pipelines. */
export interface MicroConditioningOptions {
  /** Height and width in pixels of the picture that this one seems to be taken from. @default its own */
  readonly originalSize?: readonly [height: number, width: number];
  /** Where it seems to be cut out, in pixels. @default [0, 0]: the subject stands in the middle */
  readonly cropsCoordsTopLeft?: readonly [top: number, left: number];
  /** Height and width in pixels that it seems to have. @default its own */
  readonly targetSize?: readonly [height: number, width: number];
  /** Of the refiner: how beautiful it is to be. @default 6 */
  readonly aestheticScore?: number;
  /** Of the refiner: how beautiful it is not to be. @default 2.5 */
  readonly negativeAestheticScore?: number;
}

/**
 * The numbers beside each row's pooled text; negative rows come first.
 * @param size of the picture, [height, width]
 * @param rows of the negative half (0 where there is no guidance) and of the positive
 */
export function plannedTimeIds(
  rule: ConditioningRule,
  size: readonly [number, number],
  { negative, positive }: { readonly negative: number; readonly positive: number },
  options: MicroConditioningOptions,
): readonly (readonly number[])[] {
  const { originalSize = size, cropsCoordsTopLeft = [0, 0], targetSize = size } = options;
  const { aestheticScore = AESTHETIC_SCORE, negativeAestheticScore = 2.5 } = options;
  const told = { originalSize, cropsCoordsTopLeft, targetSize };
  const row = (score: number) => timeIds(rule, { ...told, aestheticScore: score });
  return [
    ...Array.from({ length: negative }, () => row(negativeAestheticScore)),
    ...Array.from({ length: positive }, () => row(aestheticScore)),
  ];
}

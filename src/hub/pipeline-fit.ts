import { type ClipTextConfig, type ConditioningRule, timeIds, type UNetConfig } from '../models';
import { CheckpointError } from './checkpoint-error';

/**
 * A UNet of another family would fail far from its cause, or draw rubbish.
 * @param dir the folder that the UNet is from
 * @param texts of the text encoders, in their order
 * @throws CheckpointError where the UNet does not read what the text encoders make
 */
export function checkFit(
  dir: string,
  { levels, addition }: UNetConfig,
  texts: readonly ClipTextConfig[],
  conditioning: ConditioningRule,
): void {
  const width = texts.reduce((sum, { hiddenSize }) => sum + hiddenSize, 0);
  const [reads] = levels.map(({ crossAttentionDim }) => crossAttentionDim);
  if (reads !== width)
    throw new CheckpointError(
      dir,
      `the UNet reads text states ${reads} wide, but the text encoders make them ${width} wide.`,
    );
  const size = [0, 0] as const;
  const told = timeIds(conditioning, {
    ...{ originalSize: size, cropsCoordsTopLeft: size, targetSize: size },
    aestheticScore: 0,
  }).length;
  const pooled = conditioning.added === 'none' ? 0 : (texts.at(-1)?.projectionDim ?? 0);
  const wanted = pooled + told * (addition?.timeDim ?? 0);
  if ((addition?.inputDim ?? 0) !== wanted)
    throw new CheckpointError(
      dir,
      `the UNet is told ${addition?.inputDim ?? 0} numbers beside the text states, but the pipeline makes ${wanted}.`,
    );
}

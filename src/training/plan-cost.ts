/** Memory and time of a run, from the shapes of its models. */
import { autocast, dryRun, replay, tidy, type WeightShape, zeros } from '../engine';
import { allocateWeights } from '../hub/weights';
import {
  type ClipText,
  type ClipTextConfig,
  type ConditioningRule,
  clipTextWeights,
  latentsFromPixels,
  promptStates,
  type UNetConfig,
  unetWeights,
  type Vae,
  type VaeConfig,
  vaeWeights,
} from '../models';
import { loraConfig, loraWeights } from '../models/lora';
import { preferenceLosses } from '../preference';
import { effectiveOptions } from './effective';
import type { TrainOptions } from './options';
import { planMemory, type StepSeconds } from './plan-memory';

/** What the models of a pipeline look like. */
export interface PipelineShapes {
  readonly unet: UNetConfig;
  readonly vae: VaeConfig;
  /** Of the text encoders, in the order in which a pipeline reads them. */
  readonly texts: readonly ClipTextConfig[];
  readonly conditioning: ConditioningRule;
  /** Tokens of a prompt. */
  readonly textLength: number;
}

/** What a run takes, in bytes. */
export interface RunCost {
  /** The process at its worst moment. */
  readonly peak: number;
  /** Policy, reference, autoencoder, text encoder, running mean. */
  readonly weights: number;
  /** Gradients and the optimizer's state. */
  readonly training: number;
  /** Everything that lives during a micro-batch only. */
  readonly activations: number;
  /** Policy and optimizer on the disk. */
  readonly checkpoint: number;
  /** Measures what a step takes, without reading pictures; in half a minute at most, whatever the machine does. */
  readonly seconds: () => StepSeconds;
}

/** How long measuring the encoders may take, in seconds. */
const ENCODING_LIMIT = 6;

const sizeOf = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

/** Numbers in a list of weights. */
export const countOf = (shapes: readonly WeightShape[]) =>
  shapes.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);

/** The weights that a run trains: the UNet's, or an adapter's. */
export function trainedWeights(config: UNetConfig, options: TrainOptions): readonly WeightShape[] {
  const { loraRank, loraAlpha, loraTargetModules } = options;
  if (loraRank === undefined) return unetWeights(config);
  const alpha = loraAlpha === undefined ? {} : { alpha: loraAlpha };
  const adapter = { rank: loraRank, targetModules: loraTargetModules, ...alpha };
  return loraWeights(config, loraConfig(adapter)).map(([name, shape]) => [name, [...shape]]);
}

/** Predicts the cost of a run before anything is loaded. */
export function planCost(shapes: PipelineShapes, options: TrainOptions): RunCost {
  const { mixedPrecision, gradientCheckpointing, optimizer } = effectiveOptions(options);
  const { pictures, reference } = preferenceLosses[options.lossType];
  const rows = (pictures === 'both' ? 2 : 1) * options.trainBatchSize;
  const side = options.resolution / 2 ** (shapes.vae.blockOutChannels.length - 1);
  const step = planMemory(shapes.unet, {
    pairs: rows / 2,
    latents: [side, side],
    textLength: shapes.textLength,
    mixedPrecision,
    reference: reference === 'needed' ? 'float32' : 'none',
    recompute: gradientCheckpointing ? 'blocks' : 'none',
  });
  const encoding = planEncoding(shapes, options, rows);

  const unet = 4 * countOf(unetWeights(shapes.unet));
  const trained = trainedWeights(shapes.unet, options);
  const trainedBytes = 4 * countOf(trained);
  const state = 4 * (optimizer === 'AdamW' ? 2 * countOf(trained) : factoredState(trained));
  const isLora = options.loraRank !== undefined;
  const copies = (isLora ? trainedBytes : 0) + (options.useEma ? trainedBytes : 0);
  const second = reference === 'needed' && !isLora ? unet : 0; // an adapter's reference is its own base
  const weights = unet + second + copies + encoding.weights;
  const training = trainedBytes + state;
  const activations = Math.max(step.activations, encoding.activations);
  const settled = step.peak - step.weights - step.training - step.activations;
  return {
    peak: settled + weights + training + activations,
    weights,
    training,
    activations,
    checkpoint: (isLora ? trainedBytes : unet) + state + (options.useEma ? trainedBytes : 0),
    seconds: () => {
      const { micro, update } = step.seconds();
      return { micro: micro + encoding.seconds(), update };
    },
  };
}

/** Adafactor keeps a mean per row and one per column of a matrix. Source: Shazeer & Stern 2018, arXiv 1804.04235. */
function factoredState(shapes: readonly WeightShape[]): number {
  return shapes.reduce((sum, [, shape]) => {
    const [columns, rows] = [shape.at(-1) ?? 1, shape.at(-2)];
    const n = sizeOf(shape);
    return sum + (rows === undefined ? n : n / columns + n / rows);
  }, 0);
}

/** From pixels and token ids to latents and text states. */
function planEncoding(shapes: PipelineShapes, options: TrainOptions, rows: number) {
  const { resolution, trainBatchSize } = options;
  const { mixedPrecision } = effectiveOptions(options);
  const run = dryRun(() =>
    autocast(mixedPrecision, () =>
      tidy(() => {
        const vae = emptyVae(shapes.vae);
        const [textEncoder, textEncoder2] = shapes.texts.map(emptyText) as [ClipText, ClipText?];
        const side = resolution / 2 ** (shapes.vae.blockOutChannels.length - 1);
        const pixels = zeros([rows, resolution, resolution, shapes.vae.inChannels]);
        const noise = zeros([rows, side, side, shapes.vae.latentChannels]);
        latentsFromPixels(vae, pixels, noise);
        const ids = zeros([trainBatchSize, shapes.textLength]).cast('int32');
        const second = textEncoder2 ? { textEncoder2 } : {};
        const { conditioning } = shapes;
        promptStates({ textEncoder, ...second, conditioning }, [ids, ids]);
        const owned = [vae, textEncoder, textEncoder2].flatMap((model) => model?.parameters ?? []);
        const bytes = owned.reduce((sum, { byteCount }) => sum + byteCount, 0);
        for (const parameters of owned) parameters.dispose();
        return bytes;
      }),
    ),
  );
  return {
    weights: run.value,
    activations: run.peakBytes - run.value,
    seconds: () => replay(run.calls, { limit: ENCODING_LIMIT }),
  };
}

function emptyVae(config: VaeConfig): Vae {
  const parameters = allocateWeights(vaeWeights(config));
  return { config, parameters, p: parameters.tree() };
}

function emptyText(config: ClipTextConfig): ClipText {
  const parameters = allocateWeights(clipTextWeights(config));
  return { config, parameters, p: parameters.tree() };
}

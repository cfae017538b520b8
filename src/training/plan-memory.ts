import {
  accumulateGrads,
  autocast,
  dryRun,
  type MixedPrecision,
  noGrad,
  replay,
  tidy,
  zeros,
} from '../engine';
import { allocateWeights } from '../hub/weights';
import { type UNet, type UNetConfig, type UNetOptions, unet, unetWeights } from '../models';
import { dpoLoss, perRowMse } from '../preference';
import { AdamW } from './adamw';

/**
 * What a first step adds that is no tensor: compiled code, primitives, the kernels' working memory. On the world's UNet
 * it was 30 MB (Zen 5, two threads) and 50 to 100 MB, more for more pairs (Zen 3, two threads).
 */
const SETTLING = 55e6;

/** How long measuring may take, in seconds. */
const [MICRO_LIMIT, UPDATE_LIMIT] = [20, 3];

/** What a training step of Diffusion-DPO is to look like. */
export interface PlanOptions {
  /** Pairs in a micro-batch. */
  readonly pairs: number;
  /** Rows and columns of the latents: an eighth of the pictures'. */
  readonly latents: readonly [rows: number, columns: number];
  /** Positions of a text. @default 77 */
  readonly textLength?: number;
  /** @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
  /** Element type of the reference's matrices; `none` for a loss without a reference. @default 'float32' */
  readonly reference?: 'float32' | 'bfloat16' | 'none';
  /** @default 'none' */
  readonly recompute?: UNetOptions['recompute'];
}

/** What a step needs, in bytes. */
export interface MemoryPlan {
  /** The process at the worst moment: what it holds already, and all below. */
  readonly peak: number;
  /** What the process holds before anything of the run is loaded. */
  readonly process: number;
  /** Policy and reference. */
  readonly weights: number;
  /** Gradients and the moments of AdamW. */
  readonly training: number;
  /** Everything that lives during a step only. */
  readonly activations: number;
  /** Measures what a step takes, by making each kind of its operations a few times. */
  readonly seconds: () => StepSeconds;
}

/** What a step takes. */
export interface StepSeconds {
  /** A micro-batch: the reference's pass, the policy's, and its gradient. */
  readonly micro: number;
  /** The optimizer's part, once for all micro-batches that are accumulated. */
  readonly update: number;
}

/**
 * Predicts what training takes, before anything is loaded: the step's own code runs without numbers, and the bytes of
 * its tensors are counted. The policy is trained whole, by AdamW, in micro-batches of latents that are given.
 */
export function planMemory(config: UNetConfig, options: PlanOptions): MemoryPlan {
  const { mixedPrecision = 'no' } = options;
  const dry = (parts: StepParts) =>
    dryRun(() => autocast(mixedPrecision, () => tidy(() => step(config, options, parts))));
  const run = dry('whole');
  const { policy, reference } = run.value;
  const held = process.memoryUsage().rss;
  return {
    peak: held + run.peakBytes + SETTLING,
    process: held,
    weights: policy + reference,
    training: 3 * policy,
    activations: run.peakBytes - 4 * policy - reference,
    seconds: () => ({
      micro: replay(dry('micro').calls, { limit: MICRO_LIMIT }),
      update: replay(dry('update').calls, { limit: UPDATE_LIMIT }),
    }),
  };
}

type StepParts = 'whole' | keyof StepSeconds;

/** One step from allocation to the end, or a part of it; returns the bytes of both models' weights. */
function step(config: UNetConfig, options: PlanOptions, parts: StepParts) {
  const { reference: matrices = 'float32' } = options;
  const policy = emptyUNet(config, 'float32');
  const reference = matrices === 'none' ? undefined : emptyUNet(config, matrices);
  const optimizer = new AdamW([policy.parameters]);
  if (parts !== 'update') microBatch(policy, reference, options);
  if (parts !== 'micro') optimizer.step(1e-8, { maxGradNorm: 1 });
  for (const owned of [optimizer, policy.parameters, reference?.parameters]) owned?.dispose();
  return {
    policy: policy.parameters.byteCount,
    reference: reference?.parameters.byteCount ?? 0,
  };
}

function emptyUNet(config: UNetConfig, matrices: 'float32' | 'bfloat16'): UNet {
  const parameters = allocateWeights(unetWeights(config), { matrices });
  return { config, parameters, p: parameters.tree() };
}

function microBatch(policy: UNet, reference: UNet | undefined, options: PlanOptions): void {
  const { pairs, latents, textLength = 77, recompute = 'none' } = options;
  const { config } = policy;
  const [rows, columns] = latents;
  const sample = zeros([2 * pairs, rows, columns, config.inChannels]);
  const noise = zeros([2 * pairs, rows, columns, config.outChannels]);
  const width = config.levels[0]?.crossAttentionDim ?? 0;
  const encoderHiddenStates = zeros([2 * pairs, textLength, width]);
  const times = new Float32Array(2 * pairs);
  const added = addedZeros(config, 2 * pairs);
  const predict = (of: UNet) => unet(of, sample, times, { encoderHiddenStates, added, recompute });

  if (!reference) {
    accumulateGrads(() => perRowMse(predict(policy), noise).mean());
    return;
  }
  const refPred = noGrad(() => predict(reference));
  accumulateGrads(() => dpoLoss(predict(policy), refPred, noise));
}

/** SDXL's conditioning; how its numbers are divided between text and sizes makes no difference. */
function addedZeros({ addition }: UNetConfig, rows: number): UNetOptions['added'] {
  if (!addition) return undefined;
  const textEmbeds = zeros([rows, addition.inputDim - addition.timeDim]);
  return { textEmbeds, timeIds: new Array<number[]>(rows).fill([0]) };
}

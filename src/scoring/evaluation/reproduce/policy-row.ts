/** The implicit reward of a published policy on labelled pairs. */
import { batches, type TrainingData } from '../../../data';
import { noiseSchedule, vaeScaleFactor } from '../../../diffusion';
import { disposePipeline, HubError, loadPipeline, type Pipeline } from '../../../hub';
import { PythonRandom, TorchGenerator } from '../../../random';
import { type ImplicitMargins, implicitMargins } from '../../implicit-accuracy';
import { implicitReport } from '../pair-report';
import type { ReproducedRow } from './rows';

/** Its base, and where its denoiser is. */
export interface Policy {
  readonly base: string;
  readonly unet: string;
}

/** β of the paper's policies, and of their margins. */
const BETA_DPO = 5000;

/**
 * @param models places on this disk, or names of the hub that are looked up in the cache alone
 * @returns nothing where they are not there
 */
export async function policyRow(
  { base: name, unet }: Policy,
  data: TrainingData,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Pick<ReproducedRow, 'ours' | 'note'> | undefined> {
  const offline = { network: 'offline', signal } as const;
  const loaded: Pipeline[] = [];
  try {
    loaded.push(await loadPipeline(name, offline));
    loaded.push(await loadPipeline(name, { ...offline, unet }));
    const [base, policy] = loaded as [Pipeline, Pipeline];
    const pairs: ImplicitMargins[] = [];
    for await (const pair of implicitMargins(pairBatches(data, base), {
      ...base,
      ...{ policy: policy.unet, reference: base.unet, schedule: noiseSchedule(base.scheduler) },
      generator: new TorchGenerator(0),
    })) {
      signal?.throwIfAborted();
      pairs.push(pair);
    }
    const { accuracy, calibration } = implicitReport(pairs, { betaDpo: BETA_DPO });
    return { ours: accuracy, note: `calibration error ${calibration.error.toFixed(3)} at β 5000` };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  } finally {
    for (const pipeline of loaded) disposePipeline(pipeline);
  }
}

/** Pairs one by one at the size that the model draws: no prompt is emptied, nothing mirrored. */
function pairBatches(data: TrainingData, { unet, vae, tokenizer }: Pipeline) {
  const [side = 64] = [unet.config.json.sample_size].flat().map(Number);
  const random = { torch: new TorchGenerator(0), python: new PythonRandom(0) };
  return batches(data, tokenizer, random, {
    ...{ batchSize: 1, epochs: 1, resolution: side * vaeScaleFactor(vae) },
    ...{ flip: 'none', proportionEmptyPrompts: 0 },
  });
}

/** That something is not on this disk, and would have to be downloaded. */
export const isAbsence = (error: unknown): boolean =>
  error instanceof HubError && (error.reason === 'offline' || error.reason === 'missing');

/** Our side of the full-size check: the pair of make_full_size.py through policy and reference, and AdamW. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accumulateGrads, noGrad, type Tensor, tensor, tidy, watchMemory } from '../../src/engine';
import { openSafetensors, toTorchLayout } from '../../src/hub';
import { loadModel } from '../../src/hub/model-folder';
import { UNET } from '../../src/hub/model-kinds';
import { type UNet, type UNetConfig, type UNetParams, unet, unetWeights } from '../../src/models';
import { dpoLoss } from '../../src/preference';
import { AdamW } from '../../src/training';

/** What PyTorch found, as make_full_size.py writes it. */
export interface TorchStep {
  readonly loss: number;
  readonly model_errors: readonly number[];
  readonly reference_errors: readonly number[];
  readonly reference_seconds: number;
  /** Forward and backward pass of the policy. */
  readonly seconds: number;
  readonly peak_bytes: number;
  readonly timestep: number;
  readonly beta_dpo: number;
  readonly versions: Readonly<Record<string, string>>;
}

export interface FullSizeStep {
  readonly torch: TorchStep;
  readonly weights: number;
  readonly rows: readonly number[];
  readonly loss: number;
  readonly modelErrors: readonly number[];
  readonly referenceErrors: readonly number[];
  /** Relative L2 errors of the gradient: of all numbers together, and of the worst tensor. */
  readonly overall: number;
  readonly worst: { readonly name: string; readonly error: number };
  readonly seconds: Readonly<Record<'load' | 'reference' | 'policy' | 'adamw', number>>;
  /** Bytes: how far loading the policy rose above what was there, and the most of the whole process. */
  readonly loadGrowth: number;
  readonly peak: number;
}

async function timed<T>(fn: () => T | Promise<T>): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await fn();
  return { value, seconds: (performance.now() - start) / 1000 };
}

const load = (folder: string, name: string, matrices: 'float32' | 'bfloat16') =>
  loadModel<UNetConfig, UNetParams>(join(folder, name), UNET, { matrices });

/** Runs the step whose PyTorch results are in `folder`, and compares. */
export async function fullSizeStep(folder: string): Promise<FullSizeStep> {
  const torch = JSON.parse(readFileSync(join(folder, 'step.json'), 'utf8')) as TorchStep;
  const peak = watchMemory();
  const loadPeak = watchMemory();
  const { value: policy, seconds: loading } = await timed(() => load(folder, 'policy', 'float32'));
  const { growth: loadGrowth } = loadPeak();
  const reference = await load(folder, 'reference', 'bfloat16');
  const optimizer = new AdamW([policy.parameters]);
  const inputs = await readInputs(folder);
  const { noise, noisyLatents, encoderHiddenStates } = inputs;
  const times = [torch.timestep, torch.timestep];
  const predict = (model: UNet) =>
    unet(model, noisyLatents, times, { encoderHiddenStates, recompute: 'blocks' });

  const ref = await timed(() => noGrad(() => predict(reference)));
  const pass = await timed(() =>
    accumulateGrads(() => dpoLoss(predict(policy), ref.value, noise, { betaDpo: torch.beta_dpo })),
  );
  const gradient = await compareGradients(folder, policy);
  const { seconds: adamw } = await timed(() => optimizer.step(1e-8, { maxGradNorm: 1 }));
  const { loss, modelLossesW, modelLossesL, refLossesW, refLossesL } = pass.value;
  const errors = (...terms: readonly Tensor[]) => terms.map((t) => t.item());
  const result = {
    torch,
    weights: policy.parameters.elementCount,
    rows: noisyLatents.shape,
    loss: loss.item(),
    modelErrors: errors(modelLossesW, modelLossesL),
    referenceErrors: errors(refLossesW, refLossesL),
    ...gradient,
    seconds: { load: loading, reference: ref.seconds, policy: pass.seconds, adamw },
    loadGrowth,
    peak: peak().peak,
  };
  for (const t of [...Object.values(inputs), ref.value, ...Object.values(pass.value)]) t.dispose();
  for (const owned of [optimizer, policy.parameters, reference.parameters]) owned.dispose();
  return result;
}

/** Latents come as PyTorch orders them, [B, C, H, W]. */
async function readInputs(folder: string) {
  const file = await openSafetensors(join(folder, 'inputs.safetensors'));
  const read = async (name: string) =>
    tensor(await file.readFloat32(name), file.entries.get(name)?.shape ?? []);
  const latents = async (name: string) => {
    const given = await read(name);
    const turned = tidy(() => given.transpose([0, 2, 3, 1]));
    given.dispose();
    return turned;
  };
  try {
    return {
      noise: await latents('noise'),
      noisyLatents: await latents('noisy_latents'),
      encoderHiddenStates: await read('encoder_hidden_states'),
    };
  } finally {
    await file.close();
  }
}

/** The gradients against the file's, a tensor at a time. */
async function compareGradients(folder: string, { config, parameters }: UNet) {
  const file = await openSafetensors(join(folder, 'gradients.safetensors'));
  let [difference, norm] = [0, 0];
  let worst = { name: '', error: 0 };
  try {
    for (const [name, shape] of unetWeights(config)) {
      const ours = toTorchLayout(parameters.readGrad(name), shape);
      const theirs = await file.readFloat32(name);
      const [d, n] = squares(ours, theirs);
      const error = Math.sqrt(d / n);
      if (!(error <= worst.error)) worst = { name, error };
      difference += d;
      norm += n;
    }
  } finally {
    await file.close();
  }
  return { overall: Math.sqrt(difference / norm), worst };
}

/** ‖a − b‖² and ‖b‖². */
function squares(a: Float32Array, b: Float32Array): readonly [number, number] {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  return [difference, norm];
}

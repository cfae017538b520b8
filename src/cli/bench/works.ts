import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startKernel } from '../../../kernels/typescript/client';
import { linear, noGrad } from '../../engine';
import { loadModel, saveModel } from '../../hub/model-folder';
import { UNET } from '../../hub/model-kinds';
import type { Precision, Work } from './catalogue';
import { samplingRun, vaeRun } from './drawing-works';
import { convNetRun, dpoStepRun, resnetRun, someUNet, transformerRun } from './training-works';
import { someTensor } from './weights';

/** What is timed; what it returns cleans up after it, and is not. */
export type Run = () => void | Promise<void> | Promise<() => void>;

/** A square matrix product: what this machine computes at most. */
export interface Calibration {
  readonly kind: 'matrix-product';
  readonly side: number;
}

function productRun(side: number, precision: Precision): Run {
  const matrix = () => someTensor([side, side]).cast(precision === 'bf16' ? 'bfloat16' : 'float32');
  const [a, b] = [matrix(), matrix()];
  return () => noGrad(() => void linear(a, b).slice([0, 0], [1, 1]).floats());
}

const notebooks = resolve(__dirname, '../../../notebooks');

async function firstTensor(): Promise<void> {
  const kernel = await startKernel({ folder: notebooks });
  const reply = await kernel.execute("import { ones } from '../src';\nones([2, 2]).floats()");
  void kernel.shutdown();
  if (reply.status !== 'ok') throw new Error(`The cell failed: ${reply.evalue}`);
}

async function load(folder: string): Promise<() => void> {
  const { parameters } = await loadModel(folder, UNET);
  return () => parameters.dispose();
}

/** Sets a case up with arbitrary weights and gives the function to time. */
export function setUp(work: Work | Calibration, precision: Precision, folder: string): Run {
  switch (work.kind) {
    case 'dpo-step':
      return dpoStepRun(work, precision);
    case 'resnet':
      return resnetRun(work, precision);
    case 'transformer':
      return transformerRun(work, precision);
    case 'conv-net':
      return convNetRun(work);
    case 'sampling':
      return samplingRun(work, precision);
    case 'vae':
      return vaeRun(work, precision);
    case 'load':
      return () => load(join(folder, work.dtype));
    case 'first-tensor':
      return firstTensor;
    case 'matrix-product':
      return productRun(work.side, precision);
  }
}

/** Writes the files that a case reads, in a process that is not measured, and tells the bytes of the weights in memory. */
export async function prepare(
  work: Work,
  folder: string,
): Promise<{ readonly weightBytes?: number }> {
  if (work.kind !== 'load') return {};
  const model = someUNet({ config: work.unet, side: 0, text: [0, 0] });
  await mkdir(folder, { recursive: true });
  // as the hub's files are, without our checksum
  await saveModel(model, join(folder, work.dtype), UNET, { dtype: work.dtype, checksum: 'none' });
  const { byteCount: weightBytes } = model.parameters;
  model.parameters.dispose();
  return { weightBytes };
}

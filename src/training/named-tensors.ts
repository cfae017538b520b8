/** Arrays under names in one safetensors file: optimizer moments, moving averages. */
import { CheckpointError } from '../hub/checkpoint-error';
import type { SafetensorsFile } from '../hub/safetensors-reader';
import { type Digests, writeSafetensors } from '../hub/safetensors-writer';

/** An array to be saved; `data` may be a function, so that one at a time needs to be in memory. */
export interface NamedTensor {
  /** The weight's name, and after it the moment's: `conv_in.weight.exp_avg`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | (() => Float32Array);
}

/** An array to be brought back. */
export interface TensorTarget {
  readonly name: string;
  readonly shape: readonly number[];
  write(data: Float32Array): void;
}

/** Writes the arrays as float32, bit for bit. @returns the file's digest */
export function writeNamedTensors(path: string, tensors: readonly NamedTensor[]): Promise<Digests> {
  return writeSafetensors(
    path,
    tensors.map((tensor) => ({ ...tensor, dtype: 'F32' as const })),
  );
}

/**
 * Reads every array into its target, one at a time.
 * @throws CheckpointError before anything is written, listing all names that are missing, in excess or of another shape
 */
export async function restoreNamedTensors(
  file: SafetensorsFile,
  targets: readonly TensorTarget[],
): Promise<void> {
  const left = new Map(file.entries);
  const problems: string[] = [];
  for (const { name, shape } of targets) {
    const entry = left.get(name);
    left.delete(name);
    if (entry === undefined) problems.push(`"${name}" is missing`);
    else if (entry.dtype !== 'F32' || entry.shape.join() !== shape.join())
      problems.push(`"${name}" is ${entry.dtype} [${entry.shape}], expected F32 [${shape}]`);
  }
  for (const name of left.keys()) problems.push(`"${name}" is not expected`);
  if (problems.length > 0) throw new CheckpointError(file.path, `${problems.join('; ')}.`);
  for (const { name, write } of targets) write((await file.read(name)) as Float32Array);
}

/** The tensors alive in this process, ours and tfjs's, as far as either is loaded; none of them is held by this. */
import path from 'node:path';
import { reachable } from './reach';

export interface Amount {
  readonly tensors: number;
  readonly bytes: number;
}

/** A tensor as both libraries have it; fields that only one of them has say which memory it shares. */
interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly size: number;
  readonly isDisposed: boolean;
  readonly memory?: { readonly bytes: number };
  readonly dataId?: object;
}

const BYTES: { readonly [dtype: string]: number } = { bool: 1, bfloat16: 2, complex64: 8 };

/** All that are alive; a library's own constants are not counted. */
export function tensorsAlive(root: string): Amount {
  const engine = loaded(path.join(root, 'src', 'engine', 'index.ts'));
  const storage = loaded(path.join(root, 'src', 'engine', 'tensor.ts'));
  const tfjs = loaded(tfjsFile(root))?.memory?.() as { numTensors: number; numBytes: number };
  return {
    tensors: Number(engine?.tensorCount?.() ?? 0) + (tfjs?.numTensors ?? 0),
    bytes: Number(storage?.tensorBytes?.() ?? 0) + (tfjs?.numBytes ?? 0),
  };
}

type Exports = { readonly [name: string]: (() => unknown) | undefined };

const loaded = (file: string): Exports | undefined => require.cache[file]?.exports;

let tfjs: string | undefined;

function tfjsFile(root: string): string {
  tfjs ??= require.resolve('@tensorflow/tfjs-core', { paths: [root] });
  return tfjs;
}

export function isTensor(object: object): object is TensorLike {
  return 'isDisposed' in object && 'dtype' in object && 'shape' in object && 'size' in object;
}

/** The live tensors that `value` holds and `seen` has not: each is counted once, also where several are one memory. */
export function tensorsIn(value: unknown, seen: Set<object>): TensorLike[] {
  const found: TensorLike[] = [];
  for (const object of reachable(value, seen, isTensor)) {
    if (isTensor(object) && !isClassSide(object) && !object.isDisposed) found.push(object);
  }
  return found;
}

/** A prototype has the members of a tensor, and no values for them. */
const isClassSide = (object: object) => !Object.hasOwn(object, 'shape');

/** Bytes of tensors, memory that several share counted once over all calls with one `seen`. */
export function bytesOf(tensors: readonly TensorLike[], seen: Set<object>): number {
  let bytes = 0;
  for (const tensor of tensors) {
    const memory = tensor.memory ?? tensor.dataId ?? tensor;
    if (seen.has(memory)) continue;
    seen.add(memory);
    bytes += tensor.memory?.bytes ?? tensor.size * (BYTES[tensor.dtype] ?? 4);
  }
  return bytes;
}

import { type AdafactorStep, adafactorHyper, adafactorUpdate, secondMoments } from './adafactor';
import { execute, fused } from './backend';
import { sizeOf } from './dtype';
import {
  call,
  callInPlace,
  callTyped,
  dtype,
  int,
  intConstant,
  typeOf,
  zeroFilled,
} from './ops/call';
import { readStored, type StoredPlace } from './stored-place';
import { outsideScopes, type Tensor, tensor, tidy } from './tensor';

const f32 = { T: dtype('float32') };

/** AdamW's numbers for one step, in the order of the `DpoAdamW` kernel. */
export interface AdamWStep {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Count of this step, from 1: the bias corrections are 1 − βᵗ. */
  readonly step: number;
  /** Factor on the gradient (norm clipping). */
  readonly gradScale: number;
}

/** A stretch of a weight's numbers. */
export interface WeightPiece {
  /** Row-major; bfloat16 as its bit patterns. */
  readonly data: Float32Array | Uint16Array;
  /** Place of the first number: among all of the weight, or on the last axis where axes are reversed. @default 0 */
  readonly at?: number;
  /** The piece's shape [A, B, C] where the weight is [C, B, N]. @default the weight's own order */
  readonly reversed?: readonly [A: number, B: number, C: number];
}

/** Equally shaped arrays of numbers for all weights of a model: values, gradients or moments. */
export interface Storage {
  readonly tensors: readonly Tensor[];
  /** Most numbers of a piece: Infinity where a piece has to be the whole weight. */
  readonly pieceLimit: number;
  write(index: number, piece: WeightPiece): void;
  /** Fills weights from a file, without a copy elsewhere; undefined where only pieces can be written. */
  readonly read?: (
    file: number,
    places: readonly (readonly [index: number, place: StoredPlace])[],
  ) => void;
  /** tensors[index] += source. */
  accumulate(index: number, source: Tensor): void;
  /** View that kernels may add into directly, where there is one. */
  view(index: number): Tensor | undefined;
  zero(): void;
  squaredNorm(): number;
  copyFrom(source: Storage): void;
  /** this += weight · (source − this): a moving average of weights. */
  lerp(source: Storage, weight: number): void;
  /** One AdamW step on these values, in place; `gradients` are zeroed. */
  adamw(gradients: Storage, moments: readonly [Storage, Storage], step: AdamWStep): void;
  /** One Adafactor step on these values, in place; the moments are of `adafactorShapes`; `gradients` are zeroed. */
  adafactor(gradients: Storage, moments: readonly [Storage, Storage], step: AdafactorStep): void;
  dispose(): void;
}

/** Element type of matrices and convolutions; vectors are float32. */
export type MatrixType = 'float32' | 'bfloat16';

export function allocate(shapes: readonly (readonly number[])[], matrices: MatrixType): Storage {
  const types = shapes.map(({ length }) => (length > 1 ? matrices : 'float32'));
  return outsideScopes(() =>
    fused() ? new FlatStorage(shapes, types) : new SeparateStorage(shapes, types),
  );
}

/**
 * One buffer of each element type in which every weight is a view, so that the optimizer, the gradient norm, zeroing
 * and copying are one call each. The kernels write in place: nothing outside this file and the
 * epilogue of a fresh convolution may.
 */
class FlatStorage implements Storage {
  readonly tensors: readonly Tensor[];
  readonly pieceLimit = 2 ** 18; // 1 MB: its copies stay in the cache, and what malloc leaves of them is little
  private readonly buffers: Readonly<Partial<Record<MatrixType, Tensor>>>;
  /** Each weight's first number in the buffer of its type. */
  private readonly offsets: readonly number[];

  constructor(shapes: readonly (readonly number[])[], types: readonly MatrixType[]) {
    const lengths = { float32: 0, bfloat16: 0 };
    this.offsets = shapes.map((shape, i) => {
      const type = types[i] ?? 'float32';
      const offset = lengths[type];
      lengths[type] += Math.ceil(sizeOf(shape) / 32) * 32; // 64-byte alignment of every view
      return offset;
    });
    const buffer = (type: MatrixType) =>
      call('DpoBuffer', { T: dtype(type) }, [intConstant(Math.max(1, lengths[type] / 16))]);
    this.buffers = {
      float32: buffer('float32'),
      ...(types.includes('bfloat16') ? { bfloat16: buffer('bfloat16') } : {}),
    };
    this.tensors = shapes.map((shape, i) => {
      const type = types[i] ?? 'float32';
      const attributes = { T: dtype(type), offset: int(this.offsets[i] ?? 0) };
      return call('DpoView', attributes, [this.buffers[type] as Tensor, intConstant(shape)]);
    });
  }

  /** All numbers. Throws TypeError where some are bfloat16, which nothing but reading and writing is for. */
  private get buffer(): Tensor {
    if (this.buffers.bfloat16) throw new TypeError('Weights in bfloat16 are frozen.');
    return this.buffers.float32 as Tensor;
  }

  view(index: number): Tensor | undefined {
    return this.tensors[index];
  }

  write(index: number, piece: WeightPiece): void {
    const weight = this.tensors[index] as Tensor;
    const attributes = { ...typeOf(weight), offset: int(piece.at ?? 0) };
    const operation = piece.reversed ? 'DpoWriteReversed' : 'DpoWrite';
    tidy(() => callInPlace(operation, attributes, [pieceTensor(piece, weight), weight]));
  }

  read(file: number, places: readonly (readonly [index: number, place: StoredPlace])[]): void {
    for (const [type, buffer] of Object.entries(this.buffers)) {
      const weights = places
        .filter(([index]) => this.tensors[index]?.dtype === type)
        .map(([index, place]) => ({
          first: this.offsets[index] as number,
          shape: (this.tensors[index] as Tensor).shape,
          place,
        }));
      if (weights.length > 0) readStored(file, weights, buffer);
    }
  }

  accumulate(index: number, source: Tensor): void {
    callInPlace('DpoAccumulate', typeOf(source), [source, this.tensors[index] as Tensor]);
  }

  zero(): void {
    callInPlace('DpoZero', f32, [this.buffer]);
  }

  squaredNorm(): number {
    return tidy(() => callTyped('DpoSquaredNorm', [this.buffer]).item());
  }

  copyFrom(source: Storage): void {
    const offset = int(0);
    this.tensors.forEach((weight, i) => {
      const values = source.tensors[i] as Tensor;
      tidy(() =>
        callInPlace('DpoWrite', { ...typeOf(weight), offset }, [values.cast(weight.dtype), weight]),
      );
    });
  }

  lerp(source: Storage, weight: number): void {
    tidy(() => {
      const change = flat(source).buffer.sub(this.buffer).mul(weight);
      callInPlace('DpoAccumulate', f32, [change, this.buffer]);
    });
  }

  adamw(gradients: Storage, [m, v]: readonly [Storage, Storage], step: AdamWStep): void {
    const { learningRate, beta1, beta2, epsilon, weightDecay, gradScale } = step;
    const corrections = [1 - beta1 ** step.step, 1 - beta2 ** step.step];
    const hyper = [learningRate, beta1, beta2, epsilon, weightDecay, ...corrections, gradScale];
    const buffers = [this.buffer, flat(gradients).buffer, flat(m).buffer, flat(v).buffer];
    tidy(() => callInPlace('DpoAdamW', f32, [...buffers, tensor(hyper, [8])]));
  }

  adafactor(gradients: Storage, moments: readonly [Storage, Storage], step: AdafactorStep): void {
    tidy(() => {
      const hyper = tensor(adafactorHyper(step), [8]);
      this.tensors.forEach((weight, i) => {
        const others = [gradients, ...moments].map(({ tensors }) => tensors[i] as Tensor);
        callInPlace('DpoAdafactor', f32, [weight, ...others, hyper]);
      });
    });
  }

  dispose(): void {
    for (const t of [...this.tensors, ...Object.values(this.buffers)]) t.dispose();
  }
}

/** A piece in its own shape, as the type of the weight it belongs to. */
function pieceTensor({ data, reversed }: WeightPiece, weight: Tensor): Tensor {
  const type = data instanceof Uint16Array ? 'bfloat16' : 'float32';
  return tensor(data, reversed ?? [data.length], type).cast(weight.dtype);
}

function flat(storage: Storage): { readonly buffer: Tensor } {
  if (storage instanceof FlatStorage) return storage as unknown as { readonly buffer: Tensor };
  throw new Error('Weights allocated in plain and in fused mode cannot be mixed.');
}

/** A tensor for each weight, updated by TensorFlow's own operations: any device. */
class SeparateStorage implements Storage {
  readonly tensors: readonly Tensor[];
  readonly pieceLimit = Number.POSITIVE_INFINITY;

  constructor(shapes: readonly (readonly number[])[], types: readonly MatrixType[]) {
    this.tensors = shapes.map((shape, i) => zeroFilled(shape, types[i]));
  }

  view(): undefined {
    return undefined;
  }

  /** Gives weight `index` the value of `next`, under the same identity. */
  private replace(index: number, next: (old: Tensor) => Tensor): void {
    tidy(() => {
      const old = this.tensors[index] as Tensor;
      const [shared] = execute('Identity', f32, [next(old).id], 1);
      if (shared) old.replaceHandle(shared);
    });
  }

  write(index: number, piece: WeightPiece): void {
    this.replace(index, (weight) => {
      const given = pieceTensor(piece, weight);
      return (piece.reversed ? given.transpose([2, 1, 0]) : given).reshape(weight.shape);
    });
  }

  accumulate(index: number, source: Tensor): void {
    this.replace(index, (old) => old.add(source.reshape(old.shape)));
  }

  zero(): void {
    this.tensors.forEach((_, i) => {
      this.replace(i, (old) => zeroFilled(old.shape));
    });
  }

  squaredNorm(): number {
    return this.tensors.reduce((sum, t) => sum + tidy(() => t.square().sum().item()), 0);
  }

  copyFrom(source: Storage): void {
    this.tensors.forEach((_, i) => {
      this.replace(i, ({ dtype: type }) => (source.tensors[i] as Tensor).cast(type));
    });
  }

  lerp(source: Storage, weight: number): void {
    this.tensors.forEach((_, i) => {
      this.replace(i, (old) => old.add((source.tensors[i] as Tensor).sub(old).mul(weight)));
    });
  }

  /** Loshchilov and Hutter 2019, algorithm 2, in the order of torch.optim.AdamW. */
  adamw(gradients: Storage, moments: readonly [Storage, Storage], step: AdamWStep): void {
    const { learningRate, beta1, beta2, epsilon, weightDecay, gradScale } = step;
    const [m, v] = moments as unknown as readonly [SeparateStorage, SeparateStorage];
    this.tensors.forEach((_, i) => {
      tidy(() => {
        const g = (gradients.tensors[i] as Tensor).mul(gradScale);
        m.replace(i, (old) => old.mul(beta1).add(g.mul(1 - beta1)));
        v.replace(i, (old) => old.mul(beta2).add(g.square().mul(1 - beta2)));
        const mHat = (m.tensors[i] as Tensor).div(1 - beta1 ** step.step);
        const vHat = (v.tensors[i] as Tensor).div(1 - beta2 ** step.step);
        const change = mHat.div(vHat.sqrt().add(epsilon)).mul(learningRate);
        this.replace(i, (old) => old.mul(1 - learningRate * weightDecay).sub(change));
      });
    });
    gradients.zero();
  }

  adafactor(gradients: Storage, moments: readonly [Storage, Storage], step: AdafactorStep): void {
    const [row, column] = moments as unknown as readonly [SeparateStorage, SeparateStorage];
    this.tensors.forEach((weight, i) => {
      tidy(() => {
        const g = (gradients.tensors[i] as Tensor).mul(step.gradScale);
        const means = secondMoments(g, step);
        row.replace(i, (old) => old.mul(step.beta2).add(means.row.mul(1 - step.beta2)));
        column.replace(i, (old) => old.mul(step.beta2).add(means.column.mul(1 - step.beta2)));
        const factors = { row: row.tensors[i] as Tensor, column: column.tensors[i] as Tensor };
        const change = adafactorUpdate(weight, g, factors, step);
        this.replace(i, (old) => old.mul(change.keep).sub(change.update));
      });
    });
    gradients.zero();
  }

  dispose(): void {
    for (const t of this.tensors) t.dispose();
  }
}

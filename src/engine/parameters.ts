import { type AdafactorStep, adafactorShapes } from './adafactor';
import { sizeOf } from './dtype';
import {
  type AdamWStep,
  allocate,
  type MatrixType,
  type Storage,
  type WeightPiece,
} from './storage';
import type { StoredPlace } from './stored-place';
import type { Tensor } from './tensor';

/** Name and shape of one weight. */
export type WeightShape = readonly [name: string, shape: readonly number[]];

/** Weights as the nested properties of their state-dict names; numeric parts are array indices. */
export type ParamTree =
  | Tensor
  | { readonly [key: string]: ParamTree }
  | readonly (ParamTree | undefined)[];

/** How weights are kept. */
export interface WeightOptions {
  /**
   * Element type of all weights that are no vectors: `bfloat16` takes half the memory, for weights that are not
   * trained. @default 'float32'
   */
  readonly matrices?: MatrixType;
}

/** Moments of AdamW for one set of weights. */
export interface Moments {
  readonly m: Parameters;
  readonly v: Parameters;
}

/** Second moments of Adafactor for one set of weights, each a vector: `adafactorMoments`. */
export interface FactoredMoments {
  readonly row: Parameters;
  readonly column: Parameters;
}

/**
 * All weights of one model, by name. Trainable ones have a gradient of the same shape, to which
 * every backward pass adds.
 */
export class Parameters {
  readonly names: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  readonly elementCount: number;
  private readonly indices: ReadonlyMap<string, number>;
  private readonly values: Storage;
  private gradients: Storage | undefined;

  private constructor(
    weights: readonly WeightShape[],
    private readonly matrices: MatrixType,
  ) {
    this.names = weights.map(([name]) => name);
    this.shapes = weights.map(([, shape]) => shape);
    this.indices = new Map(this.names.map((name, i) => [name, i]));
    if (this.indices.size !== weights.length) throw new Error('Two weights have one name.');
    this.elementCount = this.shapes.reduce((n, shape) => n + sizeOf(shape), 0);
    this.values = allocate(this.shapes, matrices);
  }

  /** Zero-filled weights; the caller owns them (`dispose`). */
  static allocate(
    weights: readonly WeightShape[],
    { matrices = 'float32' }: WeightOptions = {},
  ): Parameters {
    return new Parameters(weights, matrices);
  }

  private index(name: string): number {
    const index = this.indices.get(name);
    if (index === undefined) throw new RangeError(`There is no weight "${name}".`);
    return index;
  }

  has(name: string): boolean {
    return this.indices.has(name);
  }

  shape(name: string): readonly number[] {
    return this.shapes[this.index(name)] ?? [];
  }

  /** The weight itself: it changes when the optimizer steps. Never dispose it. */
  tensor(name: string): Tensor {
    return this.values.tensors[this.index(name)] as Tensor;
  }

  /** Memory of the weights themselves. */
  get byteCount(): number {
    const bytes = ({ size, dtype }: Tensor) => size * (dtype === 'bfloat16' ? 2 : 4);
    return this.values.tensors.reduce((sum, t) => sum + bytes(t), 0);
  }

  /** Copies values in, row-major. Throws RangeError on another length. */
  write(name: string, data: Float32Array): void {
    const index = this.index(name);
    const expected = sizeOf(this.shapes[index] ?? []);
    if (data.length !== expected)
      throw new RangeError(`Weight "${name}" holds ${expected} values, got ${data.length}.`);
    this.values.write(index, { data });
  }

  /** Most numbers that a piece for `writePiece` may hold; Infinity where it has to be a whole weight. */
  get pieceLimit(): number {
    return this.values.pieceLimit;
  }

  /** Copies a stretch of one weight in: how a file's numbers get here without a copy of the whole. */
  writePiece(name: string, piece: WeightPiece): void {
    this.values.write(this.index(name), piece);
  }

  /** Whether `readFrom` can be used: the fused kernels read files. */
  get readsFiles(): boolean {
    return this.values.read !== undefined;
  }

  /**
   * Fills weights from an open file, which has them in this order, without a copy elsewhere.
   * @throws Error where the file cannot be read or ends
   */
  readFrom(file: number, places: readonly (readonly [name: string, place: StoredPlace])[]): void {
    if (!this.values.read) throw new Error('Only fused kernels read files.');
    this.values.read(
      file,
      places.map(([name, place]) => [this.index(name), place] as const),
    );
  }

  /** Copies values out, row-major. */
  read(name: string): Float32Array {
    return this.tensor(name).floats();
  }

  /** Copies the gradient collected since the last step. Throws if the weights are not trainable. */
  readGrad(name: string): Float32Array {
    return (this.trained().tensors[this.index(name)] as Tensor).floats();
  }

  /** The weights as a tree: `tree.down_blocks[0].resnets[1].conv1.weight`. */
  tree<T>(): T {
    const root: Record<string, unknown> = Object.create(null);
    for (const name of this.names) place(root, name.split('.'), this.tensor(name));
    return root as T;
  }

  /** Same weights in memory of their own, not trainable: the reference of a policy. */
  clone(options: WeightOptions = {}): Parameters {
    const copy = this.zerosLike(options);
    copy.values.copyFrom(this.values);
    return copy;
  }

  zerosLike({ matrices = this.matrices }: WeightOptions = {}): Parameters {
    return new Parameters(
      this.names.map((name, i) => [name, this.shapes[i] ?? []]),
      matrices,
    );
  }

  /** Copies all values from weights of the same names and shapes. */
  copyFrom(source: Parameters): void {
    this.values.copyFrom(source.values);
  }

  /** Moves every weight towards `source` by the fraction `weight` (a moving average). */
  lerp(source: Parameters, weight: number): void {
    this.values.lerp(source.values, weight);
  }

  get isTrainable(): boolean {
    return this.gradients !== undefined;
  }

  /**
   * Gives every weight a gradient buffer; from now on they take part in every backward pass.
   * Throws TypeError where matrices are bfloat16: a step would be lost in rounding.
   */
  trainable(): this {
    if (this.gradients) return this;
    if (this.matrices === 'bfloat16') throw new TypeError('Weights in bfloat16 are frozen.');
    const gradients = allocate(this.shapes, 'float32');
    this.gradients = gradients;
    this.values.tensors.forEach((t, i) => {
      t.requiresGrad = true;
      t.sink = {
        accumulate: (gradient) => gradients.accumulate(i, gradient),
        view: gradients.view(i),
      };
    });
    return this;
  }

  private trained(): Storage {
    if (!this.gradients) throw new Error('These weights have no gradient: call trainable() first.');
    return this.gradients;
  }

  zeroGrad(): void {
    this.trained().zero();
  }

  /** Sum of squares of all gradients. */
  squaredGradNorm(): number {
    return this.trained().squaredNorm();
  }

  /** One AdamW step in place; the gradient is zero afterwards. */
  adamw({ m, v }: Moments, step: AdamWStep): void {
    this.values.adamw(this.trained(), [m.values, v.values], step);
  }

  /** Zero-filled moments for `adafactor`; the caller owns them. */
  adafactorMoments(): FactoredMoments {
    const moments = (of: 'row' | 'column') =>
      new Parameters(
        this.names.map((name) => [name, [sizeOf(adafactorShapes(this.shape(name))[of])]]),
        'float32',
      );
    return { row: moments('row'), column: moments('column') };
  }

  /** One Adafactor step in place; the gradient is zero afterwards. */
  adafactor({ row, column }: FactoredMoments, step: AdafactorStep): void {
    this.values.adafactor(this.trained(), [row.values, column.values], step);
  }

  dispose(): void {
    this.values.dispose();
    this.gradients?.dispose();
  }
}

/** Puts `leaf` at a path of property names; a numeric part makes its parent an array. */
function place(root: Record<string, unknown>, path: readonly string[], leaf: Tensor): void {
  let node = root;
  path.forEach((part, i) => {
    if (i === path.length - 1) node[part] = leaf;
    else {
      node[part] ??= /^\d+$/.test(path[i + 1] ?? '') ? [] : Object.create(null);
      node = node[part] as Record<string, unknown>;
    }
  });
}

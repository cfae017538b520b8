import type { WeightShape } from '../../engine';
import { CheckpointError } from '../checkpoint-error';
import { bytesPerElement } from '../dtypes';
import {
  elementCount,
  type FileRegion,
  type StoredTensor,
  type TensorSource,
} from '../tensor-source';
import type { WeightFiles } from '../weight-files';
import type { Rule, StoredAs } from './stored-as';

/** A file of the original layout, seen under diffusers' names and shapes. */
class StoredViews implements TensorSource {
  constructor(
    private readonly source: TensorSource,
    readonly entries: ReadonlyMap<string, StoredTensor>,
    private readonly places: ReadonlyMap<string, StoredAs>,
  ) {}

  get path(): string {
    return this.source.path;
  }

  async readBytes(name: string, bytes: Uint8Array, begin: number): Promise<void> {
    const { view, stored, size } = this.find(name);
    if (stored.form !== 'transposed')
      return this.source.readBytes(stored.name, bytes, (stored.third ?? 0) * size + begin);
    const whole = new Uint8Array(size);
    await this.source.readBytes(stored.name, whole, 0);
    const turned = transposed(whole, view);
    bytes.set(turned.subarray(begin, begin + bytes.length));
  }

  region(name: string): FileRegion | undefined {
    const { stored, size } = this.find(name);
    const region = stored.form === 'transposed' ? undefined : this.source.region(stored.name);
    return region && { ...region, position: region.position + (stored.third ?? 0) * size };
  }

  close(): Promise<void> {
    return this.source.close();
  }

  /** A tensor as it is seen and as it is stored, with the bytes of what is seen. */
  private find(name: string) {
    const [view, stored] = [this.entries.get(name), this.places.get(name)];
    if (!view || !stored) throw new CheckpointError(this.path, `it has no tensor "${name}".`);
    return { view, stored, size: elementCount(view.shape) * bytesPerElement(view.dtype) };
  }
}

/**
 * One model's weights in a file that holds several models'. A tensor that the file lacks is absent here, too, for the
 * loader to tell of.
 * @param used the names that the file has for them are added here
 */
export function viewModel(
  source: TensorSource,
  weights: readonly WeightShape[],
  rule: Rule,
  used: Set<string>,
): WeightFiles {
  const entries = new Map<string, StoredTensor>();
  const places = new Map<string, StoredAs>();
  for (const [name, shape] of weights) {
    const stored = rule(name);
    const entry = source.entries.get(stored.name);
    if (!entry) continue;
    used.add(stored.name);
    places.set(name, stored);
    const seen = seenShape(entry.shape, stored, shape);
    entries.set(name, { dtype: entry.dtype, shape: seen });
  }
  const file = new StoredViews(source, entries, places);
  const found = new Map([...entries.keys()].map((name) => [name, { file, name }]));
  return { path: source.path, weights: found, close: () => source.close() };
}

/** The shape that a stored tensor has under diffusers' name; one that does not fit stays as it is, to be refused. */
function seenShape(
  shape: readonly number[],
  { third, form }: StoredAs,
  expected: readonly number[],
): readonly number[] {
  const [first = 0, ...rest] = shape;
  if (third !== undefined) return first % 3 === 0 ? [first / 3, ...rest] : shape;
  if (form === 'transposed') return [...shape].reverse();
  if (expected.length === 0 && elementCount(shape) === 1) return expected; // a scalar as a list of one
  const plain = withoutKernel(shape); // a 1×1 convolution and a linear layer have the same numbers
  return String(plain) === String(withoutKernel(expected)) ? expected : shape;
}

function withoutKernel(shape: readonly number[]): readonly number[] {
  const [O = 0, I = 0, ...kernel] = shape;
  return shape.length > 2 && kernel.every((n) => n === 1) ? [O, I] : shape;
}

/** [in, out] → [out, in], element by element. */
function transposed(bytes: Uint8Array, { dtype, shape }: StoredTensor): Uint8Array {
  const [width, rows = 0, columns = 0] = [bytesPerElement(dtype), ...shape];
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const from = (column * rows + row) * width;
      result.set(bytes.subarray(from, from + width), (row * columns + column) * width);
    }
  return result;
}

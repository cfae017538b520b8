import type { FileDType } from './dtypes';

/** What is known of a stored tensor before it is read. */
export interface StoredTensor {
  readonly dtype: FileDType;
  /** PyTorch's. */
  readonly shape: readonly number[];
}

/** Where a tensor's elements lie in an open file, row-major and little-endian. */
export interface FileRegion {
  /** The file's descriptor. */
  readonly file: number;
  /** Of the first element, in bytes. */
  readonly position: number;
}

/** An open file of tensors, of whatever format. */
export interface TensorSource {
  readonly path: string;
  readonly entries: ReadonlyMap<string, StoredTensor>;
  /** Fills `bytes` with a tensor's elements, row-major and little-endian, from byte `begin` of it on. */
  readBytes(name: string, bytes: Uint8Array, begin: number): Promise<void>;
  /** Where the tensor lies; undefined where its elements are not in one row. */
  region(name: string): FileRegion | undefined;
  close(): Promise<void>;
}

/** How many elements a shape has. */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, n) => product * n, 1);

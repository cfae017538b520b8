import { createHandle, deleteHandle, execute } from './backend';
import { sizeOf } from './dtype';
import { typeOf } from './ops/call';
import type { Tensor } from './tensor';

/** Where a weight lies in a file: the byte that its numbers start at, and their type. */
export interface StoredPlace {
  readonly position: number;
  readonly dtype: keyof typeof STORED;
  /** The file has [O, I, kH, kW] where the weight is [kH, kW, I, O]. */
  readonly reversed: boolean;
}

/** A weight of a buffer, from its number `first` on, and its place in a file. */
export interface PlacedWeight {
  readonly first: number;
  readonly shape: readonly number[];
  readonly place: StoredPlace;
}

/** As the kernels number them (kernels.h). */
const STORED = { F32: 0, F16: 1, BF16: 2 } as const;
const INT64 = 9; // tensorflow/c/tf_datatype.h

/**
 * Fills weights of one buffer from an open file, which has them in this order.
 * @throws Error where the file cannot be read or ends; it does not say at which of them
 */
export function readStored(file: number, weights: readonly PlacedWeight[], buffer: Tensor): void {
  const places = weights.flatMap(({ first, shape, place: { position, dtype, reversed } }) => {
    const [height = 0, width = 0, inputs = 0] = reversed ? shape : [];
    return [position, STORED[dtype], first, sizeOf(shape), height * width, inputs];
  });
  const handles = [[file], places].map((numbers) =>
    createHandle([numbers.length], INT64, BigInt64Array.from(numbers, BigInt)),
  );
  try {
    execute('DpoReadFile', typeOf(buffer), [...handles, buffer.id], 0);
  } finally {
    handles.forEach(deleteHandle);
  }
}

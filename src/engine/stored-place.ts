import { createHandle, deleteHandle, execute } from './backend';
import { bool, int, typeOf } from './ops/call';
import type { Tensor } from './tensor';

/** Where a weight lies in an open file: its descriptor, the byte that its numbers start at, and their type. */
export interface StoredPlace {
  readonly file: number;
  readonly position: number;
  readonly dtype: keyof typeof STORED;
  /** The file has [O, I, kH, kW] where the weight is [kH, kW, I, O]. */
  readonly reversed: boolean;
}

/** As the kernels number them (kernels.h). */
const STORED = { F32: 0, F16: 1, BF16: 2 } as const;
const INT64 = 9; // tensorflow/c/tf_datatype.h

/** Fills a weight of fused storage from a file. @throws Error where the file cannot be read or ends */
export function readStored(
  weight: Tensor,
  { file, position, dtype: stored, reversed }: StoredPlace,
): void {
  const attributes = { ...typeOf(weight), stored: int(STORED[stored]), reversed: bool(reversed) };
  const place = createHandle([2], INT64, BigInt64Array.of(BigInt(file), BigInt(position)));
  try {
    execute('DpoReadFile', attributes, [place, weight.id], 0);
  } finally {
    deleteHandle(place);
  }
}

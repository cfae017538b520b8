/** Stored weights in pieces that follow each other into place, so that no copy of a whole weight is needed. */
import type { WeightPiece, WeightShape } from '../engine';
import { float16ToFloat32 } from '../engine/half';
import { bytesPerElement, decodeElements, type FileDType, toFloat32 } from './dtypes';
import type { StoredWeight } from './weight-files';

/** Where a piece lies in its file and in the weight; counts are of elements. */
interface Stretch extends Pick<WeightPiece, 'at' | 'reversed'> {
  readonly name: string;
  readonly source: StoredWeight;
  readonly dtype: FileDType;
  readonly begin: number;
  readonly count: number;
}

/** Room for one piece, used again and again: what is made anew for each piece stays in memory for a while. */
interface Room {
  readonly bytes: ArrayBuffer;
  /** Of what is float16 in the file. */
  readonly widened: Float32Array;
}

/** Outputs of a convolution are taken in multiples of this: whole cache lines of the engine's layout. */
const OUTPUTS = 16;

/**
 * All weights, piece by piece; the next is on its way from the file while one is used. A piece's numbers are
 * overwritten once the next is asked for.
 * @param limit most elements of a piece (a convolution may need more); Infinity: whole weights
 */
export async function* readPieces(
  sources: readonly (readonly [WeightShape, StoredWeight])[],
  limit: number,
): AsyncGenerator<{ readonly name: string; readonly piece: WeightPiece }> {
  const stretches = sources.flatMap(([weight, source]) => split(weight, source, limit));
  const most = (of: (stretch: Stretch) => number) => Math.max(0, ...stretches.map(of));
  const room = (): Room => ({
    bytes: new ArrayBuffer(most(({ count, dtype }) => count * bytesPerElement(dtype))),
    widened: new Float32Array(most(({ count, dtype }) => (dtype === 'F16' ? count : 0))),
  });
  const rooms = [room(), room()] as const;
  let coming = read(stretches[0], rooms[0]);
  try {
    for (const [i, stretch] of stretches.entries()) {
      const data = await coming;
      coming = read(stretches[i + 1], rooms[i % 2 ? 0 : 1]);
      const { name, at, reversed } = stretch;
      if (data) yield { name, piece: { data, at, reversed } };
    }
  } finally {
    await Promise.allSettled([coming]); // whoever stops early closes the file next
  }
}

/** PyTorch's [O, I, kH, kW] is cut between outputs, and reversed; everything else is one row of numbers. */
function split([name, shape]: WeightShape, source: StoredWeight, limit: number): Stretch[] {
  const dtype = source.file.entries.get(source.name)?.dtype ?? 'F32';
  const size = shape.reduce((n, d) => n * d, 1);
  const [O = 1, I = 1, H = 1, W = 1] = shape;
  const isConvolution = shape.length === 4;
  const unit = isConvolution ? I * H * W : 1;
  const few = Math.max(OUTPUTS, Math.floor(limit / unit / OUTPUTS) * OUTPUTS) * unit;
  const stretches: Stretch[] = [];
  for (let begin = 0; begin < size; begin += few) {
    const count = Math.min(few, size - begin);
    const reversed = [Math.min(O, count / unit), I, H * W] as const;
    const where = isConvolution ? { at: begin / unit, reversed } : { at: begin };
    stretches.push({ name, source, dtype, begin, count, ...where });
  }
  return stretches;
}

async function read(
  stretch: Stretch | undefined,
  { bytes: buffer, widened }: Room,
): Promise<WeightPiece['data'] | undefined> {
  if (!stretch) return undefined;
  const { source, dtype, begin, count } = stretch;
  const width = bytesPerElement(dtype);
  const bytes = new Uint8Array(buffer, 0, count * width);
  await source.file.readBytes(source.name, bytes, begin * width);
  if (dtype === 'F32') return new Float32Array(buffer, 0, count);
  if (dtype === 'BF16') return new Uint16Array(buffer, 0, count);
  if (dtype === 'F16') return float16ToFloat32(new Uint16Array(buffer, 0, count), widened);
  return toFloat32(decodeElements(dtype, buffer.slice(0, bytes.length)));
}

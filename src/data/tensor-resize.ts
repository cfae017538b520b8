/**
 * PyTorch's bicubic resize of a picture of real numbers, as torchvision resizes tensors: in float32, width first.
 * Source of the arithmetic: pytorch, aten/src/ATen/native/cpu/UpSampleKernel.cpp and native/UpSample.h, re-derived here.
 */
import type { RgbImage } from './image';

/** `data` holds [height, width, 3] in row-major order. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export interface TensorResizeOptions {
  /** Since 0.17 tensors are antialiased where they shrink, too; the original pins 0.15. @default 'current' */
  readonly torchvision?: 'current' | 'before 0.17';
}

/** One output column (or row): input positions and their weights. */
interface Tap {
  readonly from: Int32Array;
  readonly weights: Float32Array;
}

const f32 = Math.fround;

/** torchvision's `to_tensor`: a byte's 255th part. */
export function toUnitRange({ width, height, data }: RgbImage): FloatImage {
  return { width, height, data: Float32Array.from(data, (byte) => byte / 255) };
}

/**
 * `torch.nn.functional.interpolate(x, (height, width), mode='bicubic', align_corners=False, antialias=…)`; nothing is
 * cut to [0, 1].
 * @throws RangeError if a side is not a positive integer.
 */
export function resizeTensor(
  image: FloatImage,
  width: number,
  height: number,
  { torchvision = 'current' }: TensorResizeOptions = {},
): FloatImage {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new RangeError(`A picture cannot be resized to ${width}×${height}.`);
  const taps = torchvision === 'current' ? antialiasedTaps : cubicTaps;
  const wide = alongWidth(image, taps(image.width, width));
  return alongHeight(wide, taps(image.height, height));
}

/** What becomes of the last product before it is added: compilers fuse both in one of PyTorch's loops, not in the other. */
type LastProduct = (product: number) => number;
const fused: LastProduct = (product) => product;

/** Cubic convolution of Keys (1981), near the middle (x < 1): `((a + 2) x − (a + 3)) x² + 1`. */
const near = (x: number, a: number, last: LastProduct) =>
  f32(last(f32(f32((a + 2) * x - (a + 3)) * x) * x) + 1);

/** And beyond it (1 ≤ x < 2): `((a x − 5a) x + 8a) x − 4a`. */
const far = (x: number, a: number, last: LastProduct) =>
  f32(last(f32(f32(a * x - 5 * a) * x + 8 * a) * x) - 4 * a);

/** `_compute_indices_min_size_weights_aa` with a = −½: the filter widens as the picture shrinks. */
function antialiasedTaps(inSize: number, outSize: number): Tap[] {
  const scale = f32(inSize / outSize);
  const support = f32(Math.max(1, scale) * 2);
  const inverse = scale >= 1 ? f32(1 / scale) : 1;
  return Array.from({ length: outSize }, (_, out) => {
    const center = f32(scale * (out + 0.5));
    const first = Math.max(0, Math.trunc(f32(center - support) + 0.5));
    const end = Math.min(inSize, Math.trunc(f32(center + support) + 0.5));
    const from = Int32Array.from({ length: end - first }, (_, k) => first + k);
    const weights = Float32Array.from(from, (i) => {
      const x = Math.abs(f32((f32(i - center) + 0.5) * inverse));
      return x < 1 ? near(x, -0.5, fused) : x < 2 ? far(x, -0.5, fused) : 0;
    });
    const sum = weights.reduce((total, w) => f32(total + w), 0);
    return { from, weights: sum === 0 ? weights : weights.map((w) => w / sum) };
  });
}

/** `compute_indices_weights` with a = −¾: four neighbours, those beyond the edge being the edge. */
function cubicTaps(inSize: number, outSize: number): Tap[] {
  const scale = f32(inSize / outSize);
  const a = -0.75;
  return Array.from({ length: outSize }, (_, out) => {
    const place = f32(scale * (out + 0.5) - 0.5); // fused, so rounded once
    const first = Math.min(Math.floor(place), inSize - 1);
    const t = Math.min(Math.max(f32(place - first), 0), 1);
    const inside = (i: number) => Math.min(Math.max(i, 0), inSize - 1);
    return {
      from: Int32Array.of(inside(first - 1), inside(first), inside(first + 1), inside(first + 2)),
      weights: Float32Array.of(
        far(f32(t + 1), a, f32),
        near(t, a, f32),
        near(f32(1 - t), a, f32),
        far(f32(f32(1 - t) + 1), a, f32),
      ),
    };
  });
}

function alongWidth({ width, height, data }: FloatImage, columns: readonly Tap[]): FloatImage {
  const out = new Float32Array(columns.length * height * 3);
  let o = 0;
  for (let y = 0; y < height; y++)
    for (const { from, weights } of columns)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum = f32(
            sum +
              f32(
                (data[(y * width + (from[k] as number)) * 3 + c] as number) *
                  (weights[k] as number),
              ),
          );
        out[o++] = sum;
      }
  return { width: columns.length, height, data: out };
}

function alongHeight({ width, data }: FloatImage, rows: readonly Tap[]): FloatImage {
  const stride = width * 3;
  const out = new Float32Array(rows.length * stride);
  const sums = new Float32Array(stride);
  for (const [y, { from, weights }] of rows.entries()) {
    sums.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const line = (from[k] as number) * stride;
      const w = weights[k] as number;
      for (let x = 0; x < stride; x++)
        sums[x] = (sums[x] as number) + f32((data[line + x] as number) * w);
    }
    out.set(sums, y * stride);
  }
  return { width, height: rows.length, data: out };
}

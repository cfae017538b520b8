import { fused } from '../backend';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import {
  absent,
  bool,
  call,
  callInPlace,
  callTyped,
  dtype,
  int,
  intConstant,
  string,
  typeOf,
} from './call';
import { cast, forMatrixWork, roundedOnce } from './cast';
import {
  applyEpilogue,
  biasGradient,
  type Epilogue,
  productGradients,
  withEpilogue,
} from './matmul';

/** Rows and columns of zeros before and after a picture. */
export type Border = readonly [before: number, after: number];

export interface ConvOptions extends Epilogue {
  /** @default 1 */
  readonly stride?: 1 | 2;
  /**
   * `same` has TensorFlow's meaning: with stride 2, it pads (0, 1) on even sizes and (1, 1) on odd.
   * @default 'same'
   */
  readonly padding?: 'same' | Border;
}

interface Geometry {
  readonly stride: number;
  readonly padding: 'same' | Border;
}

/** 2-D convolution. `x`: [B, H, W, in], `weight`: [kH, kW, in, out] → [B, H′, W′, out]. */
export function conv2d(
  input: Tensor,
  weight: Tensor,
  { stride = 1, padding = 'same', ...epilogue }: ConvOptions = {},
): Tensor {
  const x = forMatrixWork(input);
  if (x.rank !== 4 || weight.rank !== 4 || x.shape[3] !== weight.shape[2])
    throw new RangeError(
      `conv2d of [${x.shape}] with a weight [kH, kW, in, out] of [${weight.shape}].`,
    );
  const [kH = 0, kW = 0] = weight.shape;
  const method = fused() && kH * kW <= MOST_TAPS ? fusedConv : plainConv;
  return withEpilogue(x, epilogue, (inPass) => method(x, weight, inPass, { stride, padding }));
}

/** Most taps of our own convolution, faster than oneDNN's at every size tried (Zen 4, one core). */
const MOST_TAPS = 9;

function fusedConv(x: Tensor, weight: Tensor, epilogue: Epilogue, geometry: Geometry): Tensor {
  const { bias, residual } = epilogue;
  const { stride, padding } = geometry;
  const [before, after] = padding === 'same' ? [0, 0] : padding;
  const border = { same: bool(padding === 'same'), before: int(before), after: int(after) };
  const conv = { ...typeOf(x), stride: int(stride), ...border };
  const typed = { ...conv, W: dtype(weight.dtype) };
  const y = call('DpoConv', typed, [x, weight, bias ?? absent(), residual ?? absent(x.dtype)]);
  record([x, weight, bias, residual], [y], [x, weight], ([dy]) => {
    const g = dy as Tensor;
    const gradients = productGradients(weight, bias, g, (dw, dbias) =>
      callInPlace('DpoConvWeightGradInto', conv, [x, g, dw, dbias]),
    );
    return [
      x.requiresGrad ? call('DpoConvInputGrad', typed, [g, weight, x]) : undefined,
      ...gradients,
      g,
    ];
  });
  return y;
}

function plainConv(x: Tensor, master: Tensor, epilogue: Epilogue, geometry: Geometry): Tensor {
  const { bias, residual } = epilogue;
  const { stride, padding } = geometry;
  const weight = cast(master, x.dtype);
  const conv = {
    strides: int([1, stride, stride, 1]),
    use_cudnn_on_gpu: bool(true),
    padding: string(padding === 'same' ? 'SAME' : 'EXPLICIT'),
    explicit_paddings: int(padding === 'same' ? [] : [0, 0, ...padding, ...padding, 0, 0]),
    data_format: string('NHWC'),
    dilations: int([1, 1, 1, 1]),
  };
  const run = (name: string, inputs: readonly Tensor[], last: Tensor) =>
    call(name, { ...conv, ...typeOf(last) }, [...inputs, last]);
  const forward = (a: Tensor, w: Tensor) => run('Conv2D', [a], w);
  const y = applyEpilogue(roundedOnce(x, weight, forward), epilogue);
  record([x, weight, bias, residual], [y], [x, weight], ([dy]) => {
    const g = dy as Tensor;
    const inputGrad = (w: Tensor, d: Tensor) =>
      run('Conv2DBackpropInput', [intConstant(x.shape), w], d);
    const weightGrad = (a: Tensor, d: Tensor) =>
      run('Conv2DBackpropFilter', [a, intConstant(weight.shape)], d);
    return [
      x.requiresGrad ? roundedOnce(weight, g, inputGrad) : undefined,
      weight.requiresGrad ? roundedOnce(x, g, weightGrad) : undefined,
      biasGradient(g, bias),
      g,
    ];
  });
  return y;
}

const resize = {
  align_corners: bool(false),
  half_pixel_centers: bool(false),
};

/** Doubles height and width by repeating pixels. `x`: [B, H, W, C] → [B, 2H, 2W, C]. */
export function upsampleNearest2x(x: Tensor): Tensor {
  if (!fused()) return plainUpsample(x);
  const y = callTyped('DpoUpsample2x', [x]);
  record([x], [y], [], ([dy]) => [callTyped('DpoUpsample2xGrad', [dy as Tensor])]);
  return y;
}

function plainUpsample(x: Tensor): Tensor {
  const [, height = 0, width = 0] = x.shape;
  const attributes = { ...typeOf(x), ...resize };
  const y = call('ResizeNearestNeighbor', attributes, [x, intConstant([2 * height, 2 * width])]);
  record([x], [y], [], ([dy]) => [
    call('ResizeNearestNeighborGrad', attributes, [dy as Tensor, intConstant([height, width])]),
  ]);
  return y;
}

import { fused } from '../backend';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import { absent, bool, call, callInPlace, dtype, int, intConstant, string } from './call';
import { applyEpilogue, biasGradient, type Epilogue, gradientInto } from './matmul';

export interface ConvOptions extends Epilogue {
  /** @default 1 */
  readonly stride?: 1 | 2;
  /** TensorFlow's meaning: with stride 2, `same` pads (0, 1) on even sizes. @default 'same' */
  readonly padding?: 'same' | 'valid';
}

interface Geometry {
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

/** 2-D convolution. `x`: [B, H, W, in], `weight`: [kH, kW, in, out] → [B, H′, W′, out]. */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  { bias, residual, stride = 1, padding = 'same' }: ConvOptions = {},
): Tensor {
  if (x.rank !== 4 || weight.rank !== 4 || x.shape[3] !== weight.shape[2])
    throw new RangeError(
      `conv2d of [${x.shape}] with a weight [kH, kW, in, out] of [${weight.shape}].`,
    );
  const [kH = 0, kW = 0] = weight.shape;
  const method = fused() && kH * kW <= MOST_TAPS ? fusedConv : plainConv;
  return method(x, weight, { bias, residual }, { stride, padding });
}

/** Most taps of our own convolution, faster than oneDNN's at every size tried (Zen 4, one core). */
const MOST_TAPS = 9;

function fusedConv(x: Tensor, weight: Tensor, epilogue: Epilogue, geometry: Geometry): Tensor {
  const { bias, residual } = epilogue;
  const { stride, padding } = geometry;
  const conv = { T: dtype('float32'), stride: int(stride), same: bool(padding === 'same') };
  const y = call('DpoConv', conv, [x, weight, bias ?? absent(), residual ?? absent()]);
  record([x, weight, bias, residual], [y], [x, weight], ([dy]) => {
    const g = dy as Tensor;
    const dw = (into: Tensor) => callInPlace('DpoConvWeightGradInto', conv, [x, g, into]);
    return [
      x.requiresGrad ? call('DpoConvInputGrad', conv, [g, weight, x]) : undefined,
      gradientInto(weight, dw),
      biasGradient(g, bias),
      g,
    ];
  });
  return y;
}

function plainConv(x: Tensor, weight: Tensor, epilogue: Epilogue, geometry: Geometry): Tensor {
  const { bias, residual } = epilogue;
  const conv = {
    T: dtype('float32'),
    strides: int([1, geometry.stride, geometry.stride, 1]),
    use_cudnn_on_gpu: bool(true),
    padding: string(geometry.padding.toUpperCase()),
    explicit_paddings: int([]),
    data_format: string('NHWC'),
    dilations: int([1, 1, 1, 1]),
  };
  const y = applyEpilogue(call('Conv2D', conv, [x, weight]), epilogue);
  record([x, weight, bias, residual], [y], [x, weight], ([dy]) => {
    const g = dy as Tensor;
    const dx = () => call('Conv2DBackpropInput', conv, [intConstant(x.shape), weight, g]);
    const dw = () => call('Conv2DBackpropFilter', conv, [x, intConstant(weight.shape), g]);
    return [
      x.requiresGrad ? dx() : undefined,
      weight.requiresGrad ? dw() : undefined,
      biasGradient(g, bias),
      g,
    ];
  });
  return y;
}

const resize = {
  T: dtype('float32'),
  align_corners: bool(false),
  half_pixel_centers: bool(false),
};

/** Doubles height and width by repeating pixels. `x`: [B, H, W, C] → [B, 2H, 2W, C]. */
export function upsampleNearest2x(x: Tensor): Tensor {
  const [, height = 0, width = 0] = x.shape;
  const y = call('ResizeNearestNeighbor', resize, [x, intConstant([2 * height, 2 * width])]);
  record([x], [y], [], ([dy]) => [
    call('ResizeNearestNeighborGrad', resize, [dy as Tensor, intConstant([height, width])]),
  ]);
  return y;
}

// What every numeric kernel takes, and the table of them that each instruction set fills.
// Dimensions: N samples, R rows (pixels, tokens), C channels, F features, E = heads·D.
#pragma once

#include <stdint.h>

namespace dpo {

struct GroupNorm {
  const float *x, *scale, *offset;  // [N, R, C], [C], [C]
  const float* shift;               // [N, C] added to x before the norm, or null
  float *y, *stats;                 // [N, R, C], [N, groups, 2]: mean and 1/σ
  int64_t samples, rows, channels, groups;
  float epsilon;
  bool silu;
};

struct GroupNormGrad {
  const float *dy, *x, *scale, *offset, *shift, *stats;
  float *dx, *dscale, *doffset, *dshift;  // dshift: [N, C], or null
  int64_t samples, rows, channels, groups;
  bool silu;
};

struct LayerNorm {
  const float *x, *scale, *offset;  // [R, C], [C], [C]
  float *y, *stats;                 // [R, C], [R, 2]: mean and 1/σ
  int64_t rows, channels;
  float epsilon;
};

struct LayerNormGrad {
  const float *dy, *x, *scale, *stats;
  float *dx, *dscale, *doffset;
  int64_t rows, channels;
};

struct Attention {
  const float *q, *k, *v;  // [B, S, E], [B, L, E], [B, L, E]
  float *o, *logSumExp;    // [B, S, E], [B, heads, S]
  int64_t batch, queries, keys, heads, headSize;
  bool causal;  // query s sees keys 0 … s
};

struct AttentionGrad {
  const float *dO, *q, *k, *v, *o, *logSumExp;
  float *dq, *dk, *dv;
  int64_t batch, queries, keys, heads, headSize;
  bool causal;
};

struct Geglu {
  const float *x, *bias;  // [R, 2F], [2F] or null
  float* y;               // [R, F]
  int64_t rows, features;
};

struct GegluGrad {
  const float *dy, *x, *bias;
  float *dx, *dbias;  // [R, 2F], [2F] or null
  int64_t rows, features;
};

struct BiasResidual {
  float* x;                     // [R, C], changed in place
  const float *bias, *residual;  // [C] or null, [R, C] or null
  int64_t rows, channels;
};

/** y = x·wᵀ + bias + residual with w [out, in]; if not `transposed`, y = x·w with w [in, out]. */
struct Linear {
  const float *x, *w;            // [R, in], [out, in] or [in, out]
  const float *bias, *residual;  // [out] or null, [R, out] or null
  float* y;                      // [R, out]
  int64_t rows, in, out;
  bool transposed;
};

/** acc[out, in] += dyᵀ·x. */
struct LinearWeightGrad {
  const float *dy, *x;  // [R, out], [R, in]
  float* acc;
  int64_t rows, in, out;
};

/**
 * Output pixel (r, c) reads, for tap (i, j), input pixel (r·stride + i − padTop, c·stride + j −
 * padLeft) of an input whose pixels are `spread` apart, with zeros between and around them.
 */
struct ConvShape {
  int64_t samples, height, width, in, outHeight, outWidth, out;
  int64_t kernelHeight, kernelWidth, stride, spread, padTop, padLeft;
};

struct Convolution {
  ConvShape shape;
  const float *x, *w;            // w: [kH, kW, in, out]
  const float *bias, *residual;  // [out] or null, like y or null
  float* y;
  bool flipped;  // w is [kH, kW, out, in], its taps in reverse: the input's gradient
};

/** acc[kH, kW, in, out] += the gradient of the weight. */
struct ConvolutionWeightGrad {
  ConvShape shape;
  const float *x, *dy;
  float* acc;
};

/** torch.optim.AdamW's settings; corrections are 1 − βᵗ; gradients are multiplied by gradScale. */
struct AdamW {
  float *param, *grad, *m, *v;
  int64_t size;
  double learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, gradScale;
};

struct KernelTable {
  void (*groupNorm)(const GroupNorm&);
  void (*groupNormGrad)(const GroupNormGrad&);
  void (*layerNorm)(const LayerNorm&);
  void (*layerNormGrad)(const LayerNormGrad&);
  void (*attention)(const Attention&);
  void (*attentionGrad)(const AttentionGrad&);
  void (*geglu)(const Geglu&);
  void (*gegluGrad)(const GegluGrad&);
  void (*linear)(const Linear&);
  void (*linearWeightGrad)(const LinearWeightGrad&);
  void (*convolution)(const Convolution&);
  void (*convolutionWeightGrad)(const ConvolutionWeightGrad&);
  void (*biasResidual)(const BiasResidual&);
  /** acc[C] += column sums of dy[R, C]. */
  void (*biasGradInto)(const float* dy, float* acc, int64_t rows, int64_t channels);
  /** dst[n] += src[n]. */
  void (*accumulate)(const float* src, float* dst, int64_t n);
  void (*adamW)(const AdamW&);
  double (*squaredNorm)(const float* x, int64_t n);
};

/** The table for this machine, chosen once. */
const KernelTable& kernels();

}  // namespace dpo

// What every numeric kernel takes, and the table of them that each instruction set fills.
// Dimensions: N samples, R rows (pixels, tokens), C channels, F features, E = heads·D.
//
// T is the type of activations and of their gradients. Statistics, biases, the scales of norms and
// the gradients of all weights are float, and so is all arithmetic.
#pragma once

#include <stdint.h>

namespace dpo {

/** The upper half of a float: its sign and exponent, and eight bits of precision. */
struct bfloat16 {
  uint16_t bits;
};

template <class T>
struct GroupNorm {
  const T* x;                    // [N, R, C]
  const float *scale, *offset;   // [C]
  const float* shift;            // [N, C] added to x before the norm, or null
  T* y;                          // [N, R, C]
  float* stats;                  // [N, groups, 2]: mean and 1/σ
  int64_t samples, rows, channels, groups;
  float epsilon;
  bool silu;
};

template <class T>
struct GroupNormGrad {
  const T *dy, *x;
  const float *scale, *offset, *shift, *stats;
  T* dx;
  float *dscale, *doffset;  // [C], added to, or null
  float* dshift;            // [N, C] or null
  int64_t samples, rows, channels, groups;
  bool silu;
};

template <class T>
struct LayerNorm {
  const T* x;                   // [R, C]
  const float *scale, *offset;  // [C]
  T* y;                         // [R, C]
  float* stats;                 // [R, 2]: mean and 1/σ
  int64_t rows, channels;
  float epsilon;
};

template <class T>
struct LayerNormGrad {
  const T *dy, *x;
  const float *scale, *stats;
  T* dx;
  float *dscale, *doffset;  // [C], added to, or null
  int64_t rows, channels;
};

template <class T>
struct Attention {
  const T *q, *k, *v;  // [B, S, E], [B, L, E], [B, L, E]
  T* o;                // [B, S, E]
  float* logSumExp;    // [B, heads, S]
  int64_t batch, queries, keys, heads, headSize;
  bool causal;  // query s sees keys 0 … s
};

template <class T>
struct AttentionGrad {
  const T *dO, *q, *k, *v, *o;
  const float* logSumExp;
  T *dq, *dk, *dv;
  int64_t batch, queries, keys, heads, headSize;
  bool causal;
};

template <class T>
struct Geglu {
  const T* x;         // [R, 2F]
  const float* bias;  // [2F] or null
  T* y;               // [R, F]
  int64_t rows, features;
};

template <class T>
struct GegluGrad {
  const T *dy, *x;
  const float* bias;
  T* dx;         // [R, 2F]
  float* dbias;  // [2F] or null
  int64_t rows, features;
};

enum class Activation { silu, gelu, quickGelu };

/** y = f(x), or with dy: y = dy·f′(x). */
template <class T>
struct Activate {
  Activation function;
  const T *x, *dy;  // dy: null for the value
  T* y;
  int64_t size;
};

/** Every pixel twice in each direction: y [N, 2H, 2W, C] from x [N, H, W, C]. */
template <class T>
struct Upsample {
  const T* x;
  T* y;
  int64_t samples, height, width, channels;
};

/** dx [N, H, W, C], sums of four of dy [N, 2H, 2W, C]. */
template <class T>
struct UpsampleGrad {
  const T* dy;
  T* dx;
  int64_t samples, height, width, channels;
};

template <class T>
struct BiasResidual {
  T* x;               // [R, C], changed in place
  const float* bias;  // [C] or null
  const T* residual;  // [R, C] or null
  int64_t rows, channels;
};

/** A weight of either type, the other null; products round it to the activations' type. */
struct Weight {
  const float* floats;
  const bfloat16* bfloats;
};

/** y = x·wᵀ + bias + residual with w [out, in]; if not `transposed`, y = x·w with w [in, out]. */
template <class T>
struct Linear {
  const T* x;         // [R, in]
  Weight w;           // [out, in] or [in, out]
  const float* bias;  // [out] or null
  const T* residual;  // [R, out] or null
  T* y;               // [R, out]
  int64_t rows, in, out;
  bool transposed;
};

/** acc[out, in] += dyᵀ·x. */
template <class T>
struct LinearWeightGrad {
  const T *dy, *x;  // [R, out], [R, in]
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

template <class T>
struct Convolution {
  ConvShape shape;
  const T* x;
  Weight w;           // [kH, kW, in, out]
  const float* bias;  // [out] or null
  const T* residual;  // like y or null
  T* y;
  bool flipped;  // w is [kH, kW, out, in], its taps in reverse: the input's gradient
};

/** acc[kH, kW, in, out] += the gradient of the weight. */
template <class T>
struct ConvolutionWeightGrad {
  ConvShape shape;
  const T *x, *dy;
  float* acc;
};

/** torch.optim.AdamW's settings; corrections are 1 − βᵗ; gradients are multiplied by gradScale. */
struct AdamW {
  float *param, *grad, *m, *v;
  int64_t size;
  double learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2, gradScale;
};

/** transformers' Adafactor without a first moment; gradients are multiplied by gradScale. */
struct Adafactor {
  float *param, *grad;             // [rows, columns, batch]
  float *row, *column;             // moments: [rows, batch], [columns, batch]
  int64_t rows, columns, batch;
  double learningRate, beta2, epsilon, epsilonScale, clipThreshold, weightDecay, gradScale;
  bool scaleParameter;  // the learning rate is relative to the parameter's RMS
};

/** Types of numbers in files of weights; little-endian. */
enum class Stored { float32, float16, bfloat16 };

/** T itself. */
template <class T>
constexpr Stored kStored = sizeof(T) == 4 ? Stored::float32 : Stored::bfloat16;

template <class T>
struct TypedKernels {
  void (*groupNorm)(const GroupNorm<T>&);
  void (*groupNormGrad)(const GroupNormGrad<T>&);
  void (*layerNorm)(const LayerNorm<T>&);
  void (*layerNormGrad)(const LayerNormGrad<T>&);
  void (*attention)(const Attention<T>&);
  void (*attentionGrad)(const AttentionGrad<T>&);
  void (*linear)(const Linear<T>&);
  void (*linearWeightGrad)(const LinearWeightGrad<T>&);
  void (*convolution)(const Convolution<T>&);
  void (*convolutionWeightGrad)(const ConvolutionWeightGrad<T>&);
  void (*geglu)(const Geglu<T>&);
  void (*gegluGrad)(const GegluGrad<T>&);
  void (*activate)(const Activate<T>&);
  /** y[n] = a[n] + b[n]. */
  void (*add)(const T* a, const T* b, T* y, int64_t n);
  void (*upsample)(const Upsample<T>&);
  void (*upsampleGrad)(const UpsampleGrad<T>&);
  void (*biasResidual)(const BiasResidual<T>&);
  /** acc[C] += column sums of dy[R, C]. */
  void (*biasGradInto)(const T* dy, float* acc, int64_t rows, int64_t channels);
  /** dst[n] += src[n]. */
  void (*accumulate)(const T* src, float* dst, int64_t n);
  /** to[n] = the stored numbers: exact where T has them, else rounded once. On this thread alone. */
  void (*decode)(Stored type, const void* stored, T* to, int64_t n);
};

struct KernelTable {
  TypedKernels<float> float32;
  TypedKernels<bfloat16> bfloat;
  void (*adamW)(const AdamW&);
  void (*adafactor)(const Adafactor&);
  double (*squaredNorm)(const float* x, int64_t n);
};

/** The table for this machine, chosen once. */
const KernelTable& kernels();

/** Its kernels for activations of type T. */
template <class T>
const TypedKernels<T>& kernelsOf();
template <>
inline const TypedKernels<float>& kernelsOf() {
  return kernels().float32;
}
template <>
inline const TypedKernels<bfloat16>& kernelsOf() {
  return kernels().bfloat;
}

}  // namespace dpo

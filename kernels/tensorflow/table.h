// The kernels of one instruction set, as their sources define them.
#pragma once

#include "kernels.h"

namespace dpo::DPO_ISA {

template <class T>
void groupNorm(const GroupNorm<T>& op);
template <class T>
void groupNormGrad(const GroupNormGrad<T>& op);
template <class T>
void layerNorm(const LayerNorm<T>& op);
template <class T>
void layerNormGrad(const LayerNormGrad<T>& op);
template <class T>
void attention(const Attention<T>& op);
template <class T>
void attentionGrad(const AttentionGrad<T>& op);
template <class T>
void linear(const Linear<T>& op);
template <class T>
void linearWeightGrad(const LinearWeightGrad<T>& op);
template <class T>
void convolution(const Convolution<T>& op);
template <class T>
void convolutionWeightGrad(const ConvolutionWeightGrad<T>& op);
template <class T>
void geglu(const Geglu<T>& op);
template <class T>
void gegluGrad(const GegluGrad<T>& op);
template <class T>
void activate(const Activate<T>& op);
template <class T>
void add(const T* a, const T* b, T* y, int64_t n);
template <class T>
void upsample(const Upsample<T>& op);
template <class T>
void upsampleGrad(const UpsampleGrad<T>& op);
template <class T>
void biasResidual(const BiasResidual<T>& op);
template <class T>
void biasGradInto(const T* dy, float* acc, int64_t rows, int64_t channels);
template <class T>
void accumulate(const T* src, float* dst, int64_t n);
template <class T>
void decode(Stored type, const void* stored, T* to, int64_t n);

void adamW(const AdamW& op);
void adafactor(const Adafactor& op);
double squaredNorm(const float* x, int64_t n);

}  // namespace dpo::DPO_ISA

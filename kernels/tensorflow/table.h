// The kernels of one instruction set, as their sources define them.
#pragma once

#include "kernels.h"

namespace dpo::DPO_ISA {

void groupNorm(const GroupNorm& op);
void groupNormGrad(const GroupNormGrad& op);
void layerNorm(const LayerNorm& op);
void layerNormGrad(const LayerNormGrad& op);
void attention(const Attention& op);
void attentionGrad(const AttentionGrad& op);
void geglu(const Geglu& op);
void gegluGrad(const GegluGrad& op);
void linear(const Linear& op);
void linearWeightGrad(const LinearWeightGrad& op);
void convolution(const Convolution& op);
void convolutionWeightGrad(const ConvolutionWeightGrad& op);
void biasResidual(const BiasResidual& op);
void biasGradInto(const float* dy, float* acc, int64_t rows, int64_t channels);
void accumulate(const float* src, float* dst, int64_t n);
void adamW(const AdamW& op);
double squaredNorm(const float* x, int64_t n);

}  // namespace dpo::DPO_ISA

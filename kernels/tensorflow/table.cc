// One instruction set's table of kernels; compiled once for each.
#include "table.h"

namespace dpo::DPO_ISA {
namespace {

template <class T>
constexpr TypedKernels<T> kTyped = {
    groupNorm<T>,
    groupNormGrad<T>,
    layerNorm<T>,
    layerNormGrad<T>,
    attention<T>,
    attentionGrad<T>,
    linear<T>,
    linearWeightGrad<T>,
    convolution<T>,
    convolutionWeightGrad<T>,
    geglu<T>,
    gegluGrad<T>,
    activate<T>,
    add<T>,
    upsample<T>,
    upsampleGrad<T>,
    biasResidual<T>,
    biasGradInto<T>,
    accumulate<T>,
    decode<T>,
};

}  // namespace

extern const KernelTable table = {
    kTyped<float>,
    kTyped<bfloat16>,
    adamW,
    adafactor,
    squaredNorm,
};

}  // namespace dpo::DPO_ISA

// One instruction set's table of kernels; compiled once for each.
#include "table.h"

namespace dpo::DPO_ISA {

extern const KernelTable table = {
    groupNorm,
    groupNormGrad,
    layerNorm,
    layerNormGrad,
    attention,
    attentionGrad,
    geglu,
    gegluGrad,
    linear,
    linearWeightGrad,
    convolution,
    convolutionWeightGrad,
    biasResidual,
    biasGradInto,
    accumulate,
    adamW,
    squaredNorm,
};

}  // namespace dpo::DPO_ISA

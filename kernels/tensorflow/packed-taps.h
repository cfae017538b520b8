// The weight of a convolution, packed as the right factors of its taps' products.
#pragma once

#include "matrix-product.h"

namespace dpo::DPO_ISA {

/** Packs the weights of some columns of the result, tap by tap. */
template <class T>
void packTaps(const Convolution<T>& op, const Panels& panels, int64_t column, int threads,
              Unit<T>* packed) {
  const ConvShape& n = op.shape;
  const int64_t K = n.in, taps = n.kernelHeight * n.kernelWidth, units = unitsOf<T>(K);
  packInParallel(taps * units, panels.columns, threads, [&](int64_t first, int64_t left) {
    for (const int64_t end = first + left; first < end;) {
      const int64_t tap = first / units, from = first % units;
      const int64_t count = smallerOf(units - from, end - first);
      Unit<T>* to = packed + tap * panels.size(units);
      withWeight(op.w, [&](const auto* weight) {
        const auto* w = weight + (op.flipped ? taps - 1 - tap : tap) * K * n.out;
        if (op.flipped) packColumns<T>(w + column * K, K, panels, K, from, count, to);
        else packRows<T>(w + column, n.out, panels, K, from, count, to);
      });
      first += count;
    }
  });
}

}  // namespace dpo::DPO_ISA

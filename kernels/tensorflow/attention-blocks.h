// Pieces shared by attention and its gradient: block sizes, packing, scores.
#pragma once

#include "kernels.h"
#include "matrix-tile.h"
#include "simd.h"
#include "threads.h"

namespace dpo::DPO_ISA {

constexpr int kQueryBlock = 64;
constexpr int kKeyBlock = 192;  // a multiple of three vectors on every instruction set

DPO_INLINE int64_t roundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

DPO_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/** The sizes of one attention problem; D and L are padded to whole vectors in packed blocks. */
struct AttentionShape {
  int64_t S, L, H, D, E;  // queries, keys, heads, head size, H·D
  int64_t paddedD, paddedL, keyBlocks, queryBlocks;
  float scale;  // 1/√D

  template <class Op>
  explicit AttentionShape(const Op& op)
      : S(op.queries), L(op.keys), H(op.heads), D(op.headSize), E(H * D),
        paddedD(roundUp(D, kLanes)), paddedL(roundUp(L, kLanes)),
        keyBlocks((L + kKeyBlock - 1) / kKeyBlock),
        queryBlocks((S + kQueryBlock - 1) / kQueryBlock),
        scale(1.f / __builtin_sqrtf(static_cast<float>(D))) {}

  /** Where head `head` (= batch·H + h) starts in a [batch, rows, E] tensor. */
  int64_t start(int64_t head, int64_t rows) const { return head / H * rows * E + head % H * D; }
};

/** rows × D out of a [.., E] tensor into rows × paddedD, zero-filled. */
inline void pack(const AttentionShape& n, const float* from, int64_t rows, float* to) {
  for (int64_t row = 0; row < rows; row++) {
    memcpy(to, from, n.D * sizeof(float));
    for (int64_t d = n.D; d < n.paddedD; d++) to[d] = 0;
    from += n.E;
    to += n.paddedD;
  }
}

/** Key-like rows, times `scale`, as D × (keys of the block rounded up), block after block. */
inline void packTransposed(const AttentionShape& n, const float* from, float scale, float* to) {
  for (int64_t first = 0; first < n.L; first += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, n.L - first), width = roundUp(keys, kLanes);
    float* block = to + first * n.D;
    for (int64_t key = 0; key < keys; key++) {
      const float* row = from + (first + key) * n.E;
      for (int64_t d = 0; d < n.D; d++) block[d * width + key] = row[d] * scale;
    }
    for (int64_t d = 0; d < n.D; d++) {
      for (int64_t key = keys; key < width; key++) block[d * width + key] = 0;
    }
  }
}

/** Rows × paddedD back into a [.., E] tensor. */
inline void unpack(const AttentionShape& n, const float* from, int64_t rows, float* to) {
  for (int64_t row = 0; row < rows; row++) {
    memcpy(to + row * n.E, from + row * n.paddedD, n.D * sizeof(float));
  }
}

/** How many of a block's `keys` (from key `first` on) query `query` may see. */
DPO_INLINE int64_t visibleKeys(bool causal, int64_t query, int64_t first, int64_t keys) {
  if (!causal) return keys;
  const int64_t visible = query + 1 - first;
  return visible < 0 ? 0 : smaller(visible, keys);
}

}  // namespace dpo::DPO_ISA

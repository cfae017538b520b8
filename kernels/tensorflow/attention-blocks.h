// Pieces shared by attention and its gradient.
//
// A block of queries is kept transposed, one query a lane: scores[key][query]. Maxima and sums over
// the keys then need no sums across a vector, and keys and values are read where they lie in
// [B, L, heads·D], because a product reads its left operand one number at a time, at any stride.
#pragma once

#include "kernels.h"
#include "matrix-tile.h"
#include "simd.h"
#include "threads.h"

namespace dpo::DPO_ISA {

constexpr int kQueryBlock = 64;

DPO_INLINE int64_t roundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

DPO_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/** The sizes of one attention problem. */
struct AttentionShape {
  int64_t S, L, H, D, E;  // queries, keys, heads, head size, H·D
  int64_t paddedD, queryBlocks;
  float scale;  // 1/√D

  template <class Op>
  explicit AttentionShape(const Op& op)
      : S(op.queries), L(op.keys), H(op.heads), D(op.headSize), E(H * D),
        paddedD(roundUp(D, kLanes)), queryBlocks((S + kQueryBlock - 1) / kQueryBlock),
        scale(1.f / __builtin_sqrtf(static_cast<float>(D))) {}

  /** Where head `head` (= batch·H + h) starts in a [batch, rows, E] tensor. */
  int64_t start(int64_t head, int64_t rows) const { return head / H * rows * E + head % H * D; }
};

/** Some queries of one head; `width` is their number rounded up to whole vectors. */
struct Queries {
  int64_t head, first, count, width;

  Queries(const AttentionShape& n, int64_t head, int64_t block)
      : head(head), first(block * kQueryBlock), count(smaller(kQueryBlock, n.S - first)),
        width(roundUp(count, kLanes)) {}

  /** Where they start in a [batch, S, E] tensor. */
  int64_t start(const AttentionShape& n) const { return n.start(head, n.S) + first * n.E; }
};

typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));

/** Sixteen numbers: rows from, from + fromRow … become columns of `to`. */
DPO_INLINE void transposeQuads(const float* from, int64_t fromRow, float* to, int64_t toRow) {
#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
  const auto row = [&](int i) DPO_INLINE_LAMBDA {
    return *reinterpret_cast<const Quad*>(from + i * fromRow);
  };
  const Quad a = row(0), b = row(1), c = row(2), d = row(3);
  const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Quad AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Quad CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Quad columns[4] = {
      __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
      __builtin_shufflevector(AB, CD, 0, 1, 4, 5), __builtin_shufflevector(AB, CD, 2, 3, 6, 7)};
  for (int i = 0; i < 4; i++) *reinterpret_cast<Quad*>(to + i * toRow) = columns[i];
#else
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) to[j * toRow + i] = from[i * fromRow + j];
  }
#endif
}

/** to[j][i] = from[i][j] for rows × columns numbers. */
inline void transpose(const float* from, int64_t fromRow, int64_t rows, int64_t columns, float* to,
                      int64_t toRow) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    int64_t j = 0;
    for (; j + 4 <= columns; j += 4) {
      transposeQuads(from + i * fromRow + j, fromRow, to + j * toRow + i, toRow);
    }
    for (; j < columns; j++) {
      for (int64_t k = i; k < i + 4; k++) to[j * toRow + k] = from[k * fromRow + j];
    }
  }
  for (; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) to[j * toRow + i] = from[i * fromRow + j];
  }
}

/** The queries' rows of a [B, S, E] tensor as [D × kQueryBlock], zero in the padding lanes. */
inline void packQueries(const AttentionShape& n, const Queries& queries, const float* from,
                        float* to) {
  transpose(from + queries.start(n), n.E, queries.count, n.D, to, kQueryBlock);
  for (int64_t i = queries.count; i < queries.width; i++) {
    for (int64_t d = 0; d < n.D; d++) to[d * kQueryBlock + i] = 0;
  }
}

/** One past the last key that any of the queries may see. */
DPO_INLINE int64_t endOfKeys(const AttentionShape& n, const Queries& queries, bool causal) {
  return causal ? smaller(n.L, queries.first + queries.count) : n.L;
}

/** Causal mask: in the rows of keys first … first+keys−1, queries before the key score −∞. */
inline void hideLaterKeys(const Queries& queries, int64_t first, int64_t keys, float* scores) {
  for (int64_t key = 0; key < keys; key++) {
    const int64_t hidden = smaller(first + key - queries.first, queries.width);
    for (int64_t i = 0; i < hidden; i++) scores[key * kQueryBlock + i] = -__builtin_inff();
  }
}

}  // namespace dpo::DPO_ISA

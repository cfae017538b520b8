// Pieces shared by attention and its gradient.
//
// A block of queries is kept transposed, one query a lane: scores[key][query]. Maxima and sums over
// the keys then need no sums across a vector. A product reads its left operand one unit at a time,
// at any stride: floats where they lie in [B, L, heads·D], bfloat16 from copies made for each head.
#pragma once

#include "kernels.h"
#include "matrix-tile.h"
#include "simd.h"
#include "threads.h"
#include "transpose.h"

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

/** The queries' rows of a [B, S, E] tensor as [units of D × kQueryBlock], zero in the padding lanes. */
template <class T>
void packQueries(const AttentionShape& n, const Queries& queries, const T* from, Unit<T>* to) {
  transpose<T>(from + queries.start(n), n.E, queries.count, n.D, to, kQueryBlock);
  for (int64_t i = queries.count; i < queries.width; i++) {
    for (int64_t d = 0; d < unitsOf<T>(n.D); d++) to[d * kQueryBlock + i] = {};
  }
}

/** Units of the memory that `alongSize` and `alongRows` need for `rows` rows. */
template <class T>
int64_t headUnits(const AttentionShape& n, int64_t rows) {
  return sizeof(T) == sizeof(float) ? 0 : (rows + 1) * n.paddedD / kPerUnit<T>;
}

/** Rows [rows, D] of one head as a left factor whose depth is D: element (row, unit of D). */
template <class T>
Matrix<Unit<T>> alongSize(const AttentionShape& n, const T* from, int64_t rows, Unit<T>* memory) {
  if constexpr (sizeof(T) == sizeof(float)) return {from, n.E, 1};
  else {
    const int64_t width = n.paddedD / kPerUnit<T>;
    for (int64_t row = 0; row < rows; row++) {
      auto* to = reinterpret_cast<Left<T>*>(memory + row * width);
      forLanes(n.D, [&](int64_t d, auto lanes) DPO_INLINE_LAMBDA {
        store(to + d, load(from + row * n.E + d, lanes));
      });
    }
    return {memory, width, 1};
  }
}

/** The same as units of rows, [units of rows, paddedD], for a depth along the rows. */
template <class T>
const Unit<T>* packAlongRows(const AttentionShape& n, const T* from, int64_t rows,
                             Unit<T>* memory) {
  constexpr int64_t P = kPerUnit<T>;
  Unit<T>* to = memory;
  for (int64_t row = 0; row < rows; row += P, to += n.paddedD) {
    const T* first = from + row * n.E;
    const T* next = P == 2 && row + 1 < rows ? first + n.E : nullptr;
    forLanes(n.D, [&](int64_t d, auto lanes) DPO_INLINE_LAMBDA {
      store(to + d, loadUnits<T>(first + d, next ? next + d : next, lanes));
    });
  }
  return memory;
}

/** Element (d, unit of rows) of rows [rows, D] of one head. */
template <class T>
Matrix<Unit<T>> alongRows(const AttentionShape& n, const T* from, int64_t rows, Unit<T>* memory) {
  if constexpr (sizeof(T) == sizeof(float)) return {from, 1, n.E};
  else return {packAlongRows(n, from, rows, memory), 1, n.paddedD};
}

/** Writes [D × kQueryBlock] floats as the queries' rows; `copy` has room for [kQueryBlock × D]. */
template <class T>
void writeQueries(const AttentionShape& n, const Queries& queries, const float* from, float* copy,
                  T* to) {
  to += queries.start(n);
  if constexpr (sizeof(T) == sizeof(float)) {
    transpose<float>(from, kQueryBlock, n.D, queries.count, to, n.E);
  } else {
    transpose<float>(from, kQueryBlock, n.D, queries.count, copy, n.D);
    for (int64_t i = 0; i < queries.count; i++) {
      forLanes(n.D, [&](int64_t d, auto lanes) DPO_INLINE_LAMBDA {
        store(to + i * n.E + d, load(copy + i * n.D + d, lanes), lanes);
      });
    }
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

// The two inner loops of all matrix products and convolutions: one tile of the result in registers.
//
// The left factor is reached through pointers, so that a convolution's taps, its padding (a row of
// zeros) and a plain matrix are all the same loop.
#pragma once

#include "panels.h"

namespace dpo::DPO_ISA {

template <int N>
struct Constant {
  static constexpr int value = N;
};

DPO_INLINE int64_t smallerOf(int64_t a, int64_t b) { return a < b ? a : b; }

/** Where a tile goes: `rows` × `columns` numbers, a row every `stride`. */
struct Target {
  float* data;
  int64_t stride, rows, columns;
};

/** What is added to a tile on its way out: a number for each column, and a number for each element. */
struct Epilogue {
  const float *bias, *residual;  // null: none; the residual is laid out as the target
};

/** write(j, lanes) for the vectors of `columns` columns. */
template <int Vectors, class Write>
DPO_INLINE void forVectors(int64_t columns, Write write) {
#pragma GCC unroll 4
  for (int j = 0; j < Vectors; j++) {
    const int64_t left = columns - j * kLanes;
    if (left >= kLanes) write(j, Full{});
    else if (left > 0) write(j, First{static_cast<int>(left)});
  }
}

/**
 * c[i][j] = Σ over s and k of rows[s][i][k]·b[s][k][j], + bias + residual. `rows` holds `segments`
 * groups of kTileRows pointers to `depth` numbers; those beyond the target's rows are computed and
 * thrown away. A segment of b begins every `segmentSize`.
 */
template <int Vectors>
void rowTile(const float* const* rows, int64_t segments, int64_t depth, const float* right,
             int64_t segmentSize, const Epilogue& add, const Target& c) {
  Vec sums[kTileRows][Vectors] = {};
  for (int64_t s = 0; s < segments; s++, rows += kTileRows, right += segmentSize) {
    const float* b = right;
    const float* row[kTileRows];
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; i++) row[i] = rows[i];
    for (int64_t k = 0; k < depth; k++, b += Vectors * kLanes) {
      Vec column[Vectors];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) column[j] = load(b + j * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kTileRows; i++) {
        const float left = row[i][k];
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; j++) sums[i][j] += left * column[j];
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; i++) {
    if (i >= c.rows) return;
    const int64_t start = i * c.stride;
    forVectors<Vectors>(c.columns, [&](int j, auto lanes) DPO_INLINE_LAMBDA {
      Vec v = sums[i][j];
      if (add.bias) v += load(add.bias + j * kLanes, lanes);
      if (add.residual) v += load(add.residual + start + j * kLanes, lanes);
      store(c.data + start + j * kLanes, v, lanes);
    });
  }
}

/** c[i][j] += Σ_k columns[k][i]·b[k][j] for `Rows` rows. */
template <int Rows, int Vectors>
void columnTile(const float* const* columns, int64_t first, int64_t depth, const float* b,
                const Target& c) {
  Vec sums[Rows][Vectors] = {};
  for (int64_t k = 0; k < depth; k++, b += Vectors * kLanes) {
    const float* left = columns[k] + first;
    Vec right[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) right[j] = load(b + j * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) sums[i][j] += left[i] * right[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
    float* to = c.data + i * c.stride;
    forVectors<Vectors>(c.columns, [&](int j, auto lanes) DPO_INLINE_LAMBDA {
      store(to + j * kLanes, load(to + j * kLanes, lanes) + sums[i][j], lanes);
    });
  }
}

/** The same for as many rows as the target has. */
template <int Vectors>
DPO_INLINE void columnTiles(const float* const* columns, int64_t first, int64_t depth,
                            const float* b, Target c) {
  const auto take = [&](auto rows) {
    constexpr int kRows = decltype(rows)::value;
    for (; c.rows >= kRows; c.rows -= kRows, first += kRows, c.data += kRows * c.stride) {
      columnTile<kRows, Vectors>(columns, first, depth, b, c);
    }
  };
  take(Constant<kTileRows>{});
  take(Constant<4>{});
  take(Constant<1>{});
}

/** Calls body(constant) with a compile-time number of vectors. */
template <class Body>
DPO_INLINE void withVectors(int64_t vectors, Body body) {
  if (vectors == 1) body(Constant<1>{});
  else if (vectors == 2) body(Constant<2>{});
  else body(Constant<kTileVectors>{});
}

}  // namespace dpo::DPO_ISA

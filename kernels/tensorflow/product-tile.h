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

/** Where a tile goes: `rows` × `columns` numbers, a row every `stride`. */
template <class T>
struct Target {
  T* data;
  int64_t stride, rows, columns;
};

/** Most pointer groups of a product: a 3 × 3 convolution's taps. */
constexpr int64_t kMostSegments = 9;

/** A tile's rows: which of the target's each is, and what it reads of the left factor. */
template <class T>
struct TileRows {
  int64_t target[kTileRows];
  int64_t segments;                // matrices of the right factor that are not multiplied by zeros alone
  int64_t segment[kMostSegments];  // which they are
  const Left<T>* rows[kMostSegments][kTileRows];  // for each of them, where the rows begin
};

/** What is added to a tile on its way out: a number for each column, and a number for each element. */
template <class T>
struct Epilogue {
  const float* bias;  // null: none
  const T* residual;  // null: none; laid out as the target
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

/** sums[i][j] += left(i)·b[j]: one unit of depth. */
template <class T, int Rows, int Vectors, class UnitOfRow>
DPO_INLINE void multiplyUnit(Vec (&sums)[Rows][Vectors], const Unit<T>* b, UnitOfRow left) {
  Vec right[Vectors];
#pragma GCC unroll 4
  for (int j = 0; j < Vectors; j++) right[j] = load(b + j * kLanes);
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
    const Vec unit = splat(left(i));
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) sums[i][j] = multiplyAdd<T>(sums[i][j], unit, right[j]);
  }
}

/**
 * c[target[i]][j] = Σ over s and k of rows[s][i][k]·b[segment[s]][k][j], + bias + residual; rows
 * beyond the target's are computed and thrown away. A segment of b begins every `segmentSize`. Of
 * T, the bias is rounded as autocast does.
 */
template <int Vectors, class T>
void rowTile(const TileRows<T>& tile, int64_t depth, const Unit<T>* right, int64_t segmentSize,
             const Epilogue<T>& add, const Target<T>& c) {
  constexpr int P = kPerUnit<T>;
  Vec sums[kTileRows][Vectors] = {};
  for (int64_t s = 0; s < tile.segments; s++) {
    const Unit<T>* b = right + tile.segment[s] * segmentSize;
    const Left<T>* row[kTileRows];
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; i++) row[i] = tile.rows[s][i];
    int64_t k = 0;
    for (; k + P <= depth; k += P, b += Vectors * kLanes) {
      multiplyUnit<T>(sums, b, [&](int i) DPO_INLINE_LAMBDA { return unitAt(row[i] + k); });
    }
    if (k < depth) {
      multiplyUnit<T>(sums, b, [&](int i) DPO_INLINE_LAMBDA { return lastUnitAt(row[i] + k); });
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; i++) {
    if (i >= c.rows) return;
    const int64_t start = tile.target[i] * c.stride;
    forVectors<Vectors>(c.columns, [&](int j, auto lanes) DPO_INLINE_LAMBDA {
      Vec v = sums[i][j];
      if (add.bias) v += roundedTo<T>(load(add.bias + j * kLanes, lanes));
      if (add.residual) v += load(add.residual + start + j * kLanes, lanes);
      store(c.data + start + j * kLanes, v, lanes);
    });
  }
}

/** Which units of depth a tile multiplies: `count` of them; the left factor holds no others. */
struct Depth {
  int64_t count;
  const int64_t* units;
};

/** c[i][j] += Σ over k of left[k][i]·b[units[k]][j] for `Rows` rows, of which those of the target are added. */
template <int Rows, int Vectors, class T>
void columnTile(const Unit<T>* left, int64_t leftRow, Depth depth, const Unit<T>* b,
                const Target<float>& c) {
  Vec sums[Rows][Vectors] = {};
  for (int64_t k = 0; k < depth.count; k++, left += leftRow) {
    multiplyUnit<T>(sums, b + depth.units[k] * (Vectors * kLanes),
                    [&](int i) DPO_INLINE_LAMBDA { return left[i]; });
  }
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
    if (i >= c.rows) return;
    float* to = c.data + i * c.stride;
    forVectors<Vectors>(c.columns, [&](int j, auto lanes) DPO_INLINE_LAMBDA {
      store(to + j * kLanes, load(to + j * kLanes, lanes) + sums[i][j], lanes);
    });
  }
}

/** The same for at most kTileRows rows; the left factor has so many, whatever those beyond the target hold. */
template <int Vectors, class T>
DPO_INLINE void columnTileOf(const Unit<T>* left, int64_t leftRow, Depth depth, const Unit<T>* b,
                             const Target<float>& c) {
  if (c.rows == 1) columnTile<1, Vectors, T>(left, leftRow, depth, b, c);
  else if (c.rows <= 4) columnTile<4, Vectors, T>(left, leftRow, depth, b, c);
  else columnTile<kTileRows, Vectors, T>(left, leftRow, depth, b, c);
}

/** Calls body(constant) with a compile-time number of vectors. */
template <class Body>
DPO_INLINE void withVectors(int64_t vectors, Body body) {
  if (vectors == 1) body(Constant<1>{});
  else if (vectors == 2) body(Constant<2>{});
  else body(Constant<kTileVectors>{});
}

}  // namespace dpo::DPO_ISA

// Small matrix products held in registers, for operands packed next to each other in the cache.
#pragma once

#include "units.h"

namespace dpo::DPO_ISA {

/** A matrix of units: element (i, j) lies at data[i·row + j·column]. */
template <class Unit>
struct Matrix {
  const Unit* data;
  int64_t row, column;

  Matrix fromRow(int64_t i) const { return {data + i * row, row, column}; }
  Matrix fromColumn(int64_t j) const { return {data + j * column, row, column}; }
};

/** One tile: c[i][j] (+)= Σ_k a(i, k)·b[k][j] for `Rows` rows and `Vectors` vectors of columns. */
template <class T, int Rows, int Vectors, bool add>
void tile(int64_t depth, Matrix<Unit<T>> a, const Unit<T>* b, int64_t bRow, float* c, int64_t cRow) {
  Vec sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) sums[i][j] = add ? load(c + i * cRow + j * kLanes) : Vec{};
  }
  for (int64_t k = 0; k < depth; k++) {
    Vec right[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) right[j] = load(b + k * bRow + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vec left = splat(a.data[i * a.row + k * a.column]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) sums[i][j] = multiplyAdd<T>(sums[i][j], left, right[j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) store(c + i * cRow + j * kLanes, sums[i][j]);
  }
}

/** All rows of one column strip of `Vectors` vectors, in tiles that fill the register file. */
template <class T, int Vectors, bool add>
void strip(int64_t rows, int64_t depth, Matrix<Unit<T>> a, const Unit<T>* b, int64_t bRow, float* c,
           int64_t cRow) {
  constexpr int kTall = kRegisters == 32 ? (Vectors == 3 ? 8 : Vectors == 2 ? 12 : 16)
                                         : (Vectors == 3 ? 4 : Vectors == 2 ? 6 : 12);
  int64_t i = 0;
  const auto next = [&](int step) {
    i += step;
    a.data += step * a.row;
    c += step * cRow;
  };
  for (; i + kTall <= rows; next(kTall)) tile<T, kTall, Vectors, add>(depth, a, b, bRow, c, cRow);
  for (; i + 4 <= rows; next(4)) tile<T, 4, Vectors, add>(depth, a, b, bRow, c, cRow);
  for (; i < rows; next(1)) tile<T, 1, Vectors, add>(depth, a, b, bRow, c, cRow);
}

/** c[rows][columns] (+)= a·b over `depth` units; `columns` must be a multiple of kLanes. */
template <class T, bool add>
void product(int64_t rows, int64_t columns, int64_t depth, Matrix<Unit<T>> a, const Unit<T>* b,
             int64_t bRow, float* c, int64_t cRow) {
  int64_t left = columns / kLanes;
  while (left > 0) {
    // Three vectors at a time, but four as two and two.
    const int64_t vectors = left == 4 || left == 2 ? 2 : left >= 3 ? 3 : 1;
    if (vectors == 3) strip<T, 3, add>(rows, depth, a, b, bRow, c, cRow);
    if (vectors == 2) strip<T, 2, add>(rows, depth, a, b, bRow, c, cRow);
    if (vectors == 1) strip<T, 1, add>(rows, depth, a, b, bRow, c, cRow);
    b += vectors * kLanes;
    c += vectors * kLanes;
    left -= vectors;
  }
}

}  // namespace dpo::DPO_ISA

// Transposition of small blocks, four by four in registers.
#pragma once

#include "simd.h"

namespace dpo::DPO_ISA {

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

}  // namespace dpo::DPO_ISA

// Transposition of small blocks, four by four units in registers.
#pragma once

#include "units.h"

namespace dpo::DPO_ISA {

typedef float Quad __attribute__((vector_size(16)));
typedef float UnalignedQuad __attribute__((vector_size(16), aligned(2), may_alias));

/** Four units of T from the numbers at p. */
template <class T, class W>
DPO_INLINE Quad loadQuad(const W* p) {
  if constexpr (kPerUnit<T> * sizeof(W) == sizeof(float) && sizeof(W) <= sizeof(T)) {
    return *reinterpret_cast<const UnalignedQuad*>(p);
  } else if constexpr (kPerUnit<T> == 2) {
#if defined(__AVX512BF16__)
    return (Quad)_mm256_cvtneps_pbh(_mm256_loadu_ps(p));
#endif
  } else {
    const Vec v = loadUnits<T>(p, static_cast<const W*>(nullptr), First{4});
    Quad quad;
    memcpy(&quad, &v, sizeof quad);
    return quad;
  }
}

/** Sixteen units: rows from, from + fromRow … become columns of `to`. */
template <class T, class W>
DPO_INLINE void transposeQuads(const W* from, int64_t fromRow, Unit<T>* to, int64_t toRow) {
  const auto row = [&](int i) DPO_INLINE_LAMBDA { return loadQuad<T>(from + i * fromRow); };
  const Quad a = row(0), b = row(1), c = row(2), d = row(3);
#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
  const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Quad AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Quad CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Quad columns[4] = {
      __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
      __builtin_shufflevector(AB, CD, 0, 1, 4, 5), __builtin_shufflevector(AB, CD, 2, 3, 6, 7)};
#else
  Quad columns[4];
  for (int i = 0; i < 4; i++) columns[i] = Quad{a[i], b[i], c[i], d[i]};
#endif
  for (int i = 0; i < 4; i++) *reinterpret_cast<UnalignedQuad*>(to + i * toRow) = columns[i];
}

/** Unit j of row i of [rows, depth] numbers becomes to[j][i]. */
template <class T, class W>
void transpose(const W* from, int64_t fromRow, int64_t rows, int64_t depth, Unit<T>* to,
               int64_t toRow) {
  constexpr int64_t P = kPerUnit<T>;
  const int64_t units = unitsOf<T>(depth);
  const auto single = [&](int64_t i, int64_t j) DPO_INLINE_LAMBDA {
    to[j * toRow + i] = unitFrom<T>(from + i * fromRow + j * P, depth - j * P);
  };
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    int64_t j = 0;
    for (; (j + 4) * P <= depth; j += 4) {
      transposeQuads<T>(from + i * fromRow + j * P, fromRow, to + j * toRow + i, toRow);
    }
    for (; j < units; j++) {
      for (int64_t k = i; k < i + 4; k++) single(k, j);
    }
  }
  for (; i < rows; i++) {
    for (int64_t j = 0; j < units; j++) single(i, j);
  }
}

}  // namespace dpo::DPO_ISA

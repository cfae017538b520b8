// What matrix products multiply. A lane of an operand holds a unit: a float, or, of bfloat16 where
// the processor multiplies them in pairs (vdpbf16ps), two numbers next to each other in depth.
//
// Where it does not, bfloat16 operands become floats on their way in. Sums are floats everywhere.
#pragma once

#include "simd.h"

namespace dpo::DPO_ISA {

/** Two bfloat16, the first in the lower half. */
struct Pair {
  uint32_t bits;
};

/** How products of T work: their units, the numbers in one, and what rows of the left factor hold. */
template <class T>
struct Operands {
  using Unit = float;
  using Left = float;
  static constexpr int kPerUnit = 1;
};
#if defined(__AVX512BF16__)
template <>
struct Operands<bfloat16> {
  using Unit = Pair;
  using Left = bfloat16;
  static constexpr int kPerUnit = 2;
};
#endif
template <class T>
using Unit = typename Operands<T>::Unit;
template <class T>
using Left = typename Operands<T>::Left;
template <class T>
constexpr int kPerUnit = Operands<T>::kPerUnit;

/** Units that hold `depth` numbers; the last may be half empty. */
template <class T>
DPO_INLINE int64_t unitsOf(int64_t depth) {
  return (depth + kPerUnit<T> - 1) / kPerUnit<T>;
}

template <class Lanes = Full>
DPO_INLINE Vec load(const Pair* p, Lanes lanes = {}) {
  return load(reinterpret_cast<const float*>(p), lanes);
}
DPO_INLINE void store(Pair* p, Vec v) { store(reinterpret_cast<float*>(p), v); }

DPO_INLINE Vec splat(Pair x) { return (Vec)(x.bits - Bits{}); }

/** The unit at p, or that of one last number. */
DPO_INLINE float unitAt(const float* p) { return *p; }
DPO_INLINE Pair unitAt(const bfloat16* p) {
  Pair unit;
  memcpy(&unit, p, sizeof unit);
  return unit;
}
DPO_INLINE float lastUnitAt(const float* p) { return *p; }
DPO_INLINE Pair lastUnitAt(const bfloat16* p) { return {p->bits}; }

/** sums + left·right, unit by unit. */
template <class T>
DPO_INLINE Vec multiplyAdd(Vec sums, Vec left, Vec right) {
#if defined(__AVX512BF16__)
  if constexpr (kPerUnit<T> == 2) {
    return (Vec)_mm512_dpbf16_ps((__m512)sums, (__m512bh)left, (__m512bh)right);
  }
#endif
  return sums + left * right;
}

template <class Lanes>
DPO_INLINE HalfBits loadHalf(const float* p, Lanes lanes) { return narrow(load(p, lanes)); }
template <class Lanes>
DPO_INLINE HalfBits loadHalf(const bfloat16* p, Lanes lanes) { return loadBits(p, lanes); }

DPO_INLINE Vec pairs(HalfBits first, HalfBits second) {
  return (Vec)(__builtin_convertvector(first, Bits) | __builtin_convertvector(second, Bits) << 16);
}

/** v as T represents it. */
template <class T>
DPO_INLINE Vec roundedTo(Vec v) {
  if constexpr (sizeof(T) == 2) return widen(narrow(v));
  else return v;
}

/** A vector of units for products of T, from the numbers at `row` and, unless null, at `next`. */
template <class T, class W, class Lanes>
DPO_INLINE Vec loadUnits(const W* row, const W* next, Lanes lanes) {
  if constexpr (kPerUnit<T> == 2) {
    return pairs(loadHalf(row, lanes), next ? loadHalf(next, lanes) : HalfBits{});
  } else if constexpr (sizeof(T) < sizeof(W)) {
    return roundedTo<T>(load(row, lanes));
  } else {
    return load(row, lanes);
  }
}

/** One unit of T from the numbers at p, of which at most `left` exist. */
template <class T, class W>
DPO_INLINE Unit<T> unitFrom(const W* p, int64_t left) {
  if constexpr (kPerUnit<T> == 1 && sizeof(W) == sizeof(float)) return roundedTo<T>(splat(*p))[0];
  const auto one = [](const W* x) DPO_INLINE_LAMBDA {
    return loadUnits<T>(x, static_cast<const W*>(nullptr), First{1});
  };
  Vec v = one(p);
  if constexpr (kPerUnit<T> == 2) {
    Bits bits = (Bits)v;
    if (left > 1) bits |= (Bits)one(p + 1) << 16;
    return {bits[0]};
  } else {
    return v[0];
  }
}

}  // namespace dpo::DPO_ISA

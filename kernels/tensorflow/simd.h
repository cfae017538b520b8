// Vectors as wide as the instruction set this source is being compiled for.
//
// Every numeric source is compiled once per instruction set, with DPO_ISA (the namespace) and
// DPO_VECTOR_BYTES set on the command line. Nothing here may be an inline function outside that
// namespace (std:: included): the linker would keep one copy, perhaps one the processor lacks.
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__x86_64__)
#include <xmmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "kernels.h"

#define DPO_INLINE inline __attribute__((always_inline))
#define DPO_INLINE_LAMBDA __attribute__((always_inline))

namespace dpo::DPO_ISA {

/** Floats in a vector. */
constexpr int kLanes = DPO_VECTOR_BYTES / 4;
/** Vector registers. */
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

typedef float Vec __attribute__((vector_size(DPO_VECTOR_BYTES)));
typedef float UnalignedVec __attribute__((vector_size(DPO_VECTOR_BYTES), aligned(4), may_alias));
typedef int32_t IntVec __attribute__((vector_size(DPO_VECTOR_BYTES)));
typedef uint32_t Bits __attribute__((vector_size(DPO_VECTOR_BYTES)));
/** As many bfloat16 as there are floats in a vector. */
typedef uint16_t HalfBits __attribute__((vector_size(DPO_VECTOR_BYTES / 2)));
typedef uint16_t UnalignedHalfBits
    __attribute__((vector_size(DPO_VECTOR_BYTES / 2), aligned(2), may_alias));

/** How much of a vector a memory access covers: all of it, or its first `count` lanes. */
struct Full {};
struct First {
  int count;
};

DPO_INLINE Vec splat(float x) { return x - Vec{}; }

DPO_INLINE Vec load(const float* p, Full = {}) { return *reinterpret_cast<const UnalignedVec*>(p); }

DPO_INLINE void store(float* p, Vec v, Full = {}) { *reinterpret_cast<UnalignedVec*>(p) = v; }

/** Lanes beyond the count are zero, and memory beyond it is not touched. */
DPO_INLINE Vec load(const float* p, First lanes) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << lanes.count) - 1), p);
#elif defined(__AVX2__)
  static constexpr int32_t kMasks[2 * kLanes] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const auto* mask = reinterpret_cast<const __m256i_u*>(kMasks + kLanes - lanes.count);
  return (Vec)_mm256_maskload_ps(p, _mm256_loadu_si256(mask));
#else
  float all[kLanes] = {};
  for (int i = 0; i < lanes.count; i++) all[i] = p[i];
  return load(all);
#endif
}

DPO_INLINE void store(float* p, Vec v, First lanes) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << lanes.count) - 1), (__m512)v);
#else
  for (int i = 0; i < lanes.count; i++) p[i] = v[i];
#endif
}

DPO_INLINE Vec widen(HalfBits half) { return (Vec)(__builtin_convertvector(half, Bits) << 16); }

/** The nearest bfloat16 of each lane, ties to even; NaN stays NaN. */
DPO_INLINE HalfBits narrow(Vec v) {
#if defined(__AVX512BF16__)
  return (HalfBits)_mm512_cvtneps_pbh((__m512)v);
#else
  const Bits bits = (Bits)v;
  const Bits rounded = bits + 0x7fff + (bits >> 16 & 1), quiet = bits | 0x400000;
  return __builtin_convertvector((v == v ? rounded : quiet) >> 16, HalfBits);
#endif
}

DPO_INLINE HalfBits loadBits(const bfloat16* p, Full) {
  return *reinterpret_cast<const UnalignedHalfBits*>(p);
}
DPO_INLINE HalfBits loadBits(const bfloat16* p, First lanes) {
#if defined(__AVX512F__)
  return (HalfBits)_mm256_maskz_loadu_epi16(static_cast<__mmask16>((1u << lanes.count) - 1), p);
#else
  HalfBits all = {};
  for (int i = 0; i < lanes.count; i++) all[i] = p[i].bits;
  return all;
#endif
}

template <class Lanes = Full>
DPO_INLINE Vec load(const bfloat16* p, Lanes lanes = {}) {
  return widen(loadBits(p, lanes));
}

DPO_INLINE void store(bfloat16* p, Vec v, Full = {}) {
  *reinterpret_cast<UnalignedHalfBits*>(p) = narrow(v);
}

DPO_INLINE void store(bfloat16* p, Vec v, First lanes) {
  const HalfBits half = narrow(v);
#if defined(__AVX512F__)
  _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1u << lanes.count) - 1), (__m256i)half);
#else
  for (int i = 0; i < lanes.count; i++) p[i].bits = half[i];
#endif
}

/** One number. */
DPO_INLINE float toFloat(float x) { return x; }
DPO_INLINE float toFloat(bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/** v where `lanes` covers it, zero elsewhere. */
DPO_INLINE Vec firstLanes(Vec v, Full) { return v; }
DPO_INLINE Vec firstLanes(Vec v, First lanes) {
  float all[kLanes];
  store(all, v);
  return load(all, lanes);
}

DPO_INLINE float sum(Vec v) {
  typedef float Quad __attribute__((vector_size(16)));
  Quad quads[kLanes / 4];
  memcpy(quads, &v, sizeof v);
  for (int i = 1; i < kLanes / 4; i++) quads[0] += quads[i];
  return (quads[0][0] + quads[0][1]) + (quads[0][2] + quads[0][3]);
}

/** body(i, lanes) for i = 0, kLanes, 2·kLanes … < n; `lanes` is Full except perhaps at the end. */
template <class Body>
DPO_INLINE void forLanes(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, Full{});
  if (i < n) body(i, First{static_cast<int>(n - i)});
}

/** Whether none of n numbers is infinite or NaN. */
template <class T>
bool allFinite(const T* x, int64_t n) {
  Vec zeros = {};
  forLanes(n, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA { zeros += load(x + i, lanes) * 0.0f; });
  return sum(zeros) == 0;
}

}  // namespace dpo::DPO_ISA

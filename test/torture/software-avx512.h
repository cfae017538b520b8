// Included before every source of a build of the kernels for a processor without AVX-512: their code for AVX-512 and
// AVX-512-BF16 is compiled for AVX2, which halves every vector, and the few instructions that they name are functions
// here. Written after Intel's pseudocode (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2).
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

// Which instruction set a source is compiled for: avx512 and avx512bf16 are values of DPO_ISA, on the command line.
#define SOFTWARE_avx512 1
#define SOFTWARE_avx512bf16 2
#define SOFTWARE_PASTE(isa) SOFTWARE_##isa
#define SOFTWARE_SET(isa) SOFTWARE_PASTE(isa)

#define __builtin_cpu_supports(feature) 1  // for chosenIsa

#if defined(DPO_VECTOR_BYTES) && DPO_VECTOR_BYTES == 16  // the portable path has no use for what it is compiled for
#undef __AVX2__
#undef __F16C__
#endif

#if defined(DPO_ISA) && SOFTWARE_SET(DPO_ISA)

#define __AVX512F__ 1
#if SOFTWARE_SET(DPO_ISA) == 2
#define __AVX512BF16__ 1
#endif

namespace software {

typedef float Floats __attribute__((vector_size(64)));

inline __m512 maskzLoadFloats(__mmask16 mask, const void* from) {
  Floats v = {};
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) memcpy(reinterpret_cast<float*>(&v) + i, static_cast<const float*>(from) + i, 4);
  return (__m512)v;
}

inline void maskStoreFloats(void* to, __mmask16 mask, __m512 v) {
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) memcpy(static_cast<float*>(to) + i, reinterpret_cast<const float*>(&v) + i, 4);
}

inline __m256i maskzLoadShorts(__mmask16 mask, const void* from) {
  uint16_t v[16] = {};
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) memcpy(v + i, static_cast<const uint16_t*>(from) + i, 2);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(v));
}

inline void maskStoreShorts(void* to, __mmask16 mask, __m256i v) {
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1)
      memcpy(static_cast<uint16_t*>(to) + i, reinterpret_cast<const uint16_t*>(&v) + i, 2);
}

inline __m512 squareRoot(__m512 x) {
  for (int i = 0; i < 16; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

inline __m512 widenFloat16(__m256i half) {
  const __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(half));
  const __m256 high = _mm256_cvtph_ps(_mm256_extracti128_si256(half, 1));
  __m512 v;
  memcpy(&v, &low, sizeof low);
  memcpy(reinterpret_cast<char*>(&v) + sizeof low, &high, sizeof high);
  return v;
}

/** A denormal as zero of its sign, whatever the thread's mode is. */
inline float flushed(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7f800000) == 0) bits &= 0x80000000;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

/** VCVTNEPS2BF16: ties to even, denormals to zero, NaN made quiet. */
inline uint16_t toBfloat16(float x) {
  x = flushed(x);
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float fromBfloat16(uint32_t bits) {
  bits <<= 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return flushed(x);
}

inline __m256i narrow16(__m512 v) {
  uint16_t halves[16];
  for (int i = 0; i < 16; i++) halves[i] = toBfloat16(v[i]);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves));
}

inline __m128i narrow8(__m256 v) {
  uint16_t halves[8];
  for (int i = 0; i < 8; i++) halves[i] = toBfloat16(v[i]);
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves));
}

/** VDPBF16PS: the upper products first, each fused with its sum; denormals are zero. */
inline __m512 multiplyPairs(__m512 sums, __m512 left, __m512 right) {
  uint32_t a[16], b[16];
  memcpy(a, &left, sizeof a);
  memcpy(b, &right, sizeof b);
  for (int i = 0; i < 16; i++) {
    const float upper = flushed(
        __builtin_fmaf(fromBfloat16(a[i] >> 16), fromBfloat16(b[i] >> 16), flushed(sums[i])));
    sums[i] = flushed(
        __builtin_fmaf(fromBfloat16(a[i] & 0xffff), fromBfloat16(b[i] & 0xffff), upper));
  }
  return sums;
}

}  // namespace software

#define __m512bh __m512
#define _mm512_maskz_loadu_ps software::maskzLoadFloats
#define _mm512_mask_storeu_ps software::maskStoreFloats
#define _mm256_maskz_loadu_epi16 software::maskzLoadShorts
#define _mm256_mask_storeu_epi16 software::maskStoreShorts
#undef _mm512_sqrt_ps
#define _mm512_sqrt_ps software::squareRoot
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps software::widenFloat16
#define _mm512_cvtneps_pbh software::narrow16
#define _mm256_cvtneps_pbh software::narrow8
#define _mm512_dpbf16_ps software::multiplyPairs

#endif

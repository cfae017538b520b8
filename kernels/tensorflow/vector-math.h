// Elementary functions on vectors; relative errors are about 1e-7. NaN and infinity pass through.
#pragma once

#include "simd.h"

namespace dpo::DPO_ISA {

/**
 * eˣ = 2ⁿ·eᶠ with n = round(x/ln 2) (Cody and Waite, Software Manual for the Elementary Functions,
 * 1980) and eᶠ = 1 + f + f²·P(f), P the minimax polynomial on |f| ≤ ½ ln 2 (error 3e-9).
 */
DPO_INLINE Vec exp(Vec x) {
  constexpr float kRound = 12582912.f;  // 1.5·2²³: adding it leaves n in the lowest bits
  const Vec shifted = x * 1.44269504f + kRound;
  const Vec n = shifted - kRound;
  const Vec f = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two pieces
  Vec p = f * 0.0013814596f + 0.0083687175f;
  p = p * f + 0.041668389f;
  p = p * f + 0.16666521f;
  p = p * f + 0.49999994f;
  p = p * (f * f) + f + 1.f;
  // 2ⁿ as 2·2ⁿ⁻¹, so that n = 128 has a representation.
  const Vec power = (Vec)(((IntVec)shifted + 126) << 23);
  const Vec result = (p + p) * power;
  const Vec small = x < splat(-86.9f) ? splat(0.f) : result;
  return x > splat(88.722839f) ? splat(__builtin_inff()) : small;
}

DPO_INLINE Vec squareRoot(Vec x) {
#if defined(__AVX512F__)
  return (Vec)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)x);
#elif defined(__x86_64__)
  return (Vec)_mm_sqrt_ps((__m128)x);
#elif defined(__aarch64__)
  return (Vec)vsqrtq_f32((float32x4_t)x);
#else
  for (int i = 0; i < kLanes; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

DPO_INLINE Vec sigmoid(Vec x) { return 1.f / (1.f + exp(-x)); }

/** Distribution function and density of the standard normal. */
struct Normal {
  Vec cdf, density;
};

/**
 * Φ(−a) = e^(−a²/2)·t·P(t) with t = 1/(1 + a/4): the form of Abramowitz and Stegun 26.2.17, with a
 * minimax polynomial of degree 8 (relative error 6e-8). The normal CDF rather than erf, because
 * ½(1 + erf) would lose all digits of the left tail.
 */
DPO_INLINE Normal normal(Vec x) {
  const Vec a = x < splat(0.f) ? -x : x;
  const Vec gauss = exp(a * a * -0.5f);
  const Vec t = 1.f / (a * 0.25f + 1.f);
  Vec p = t * 0.025723566f - 0.15280971f;
  p = p * t + 0.29612267f;
  p = p * t - 0.20578426f;
  p = p * t + 0.20175909f;
  p = p * t + 0.032927506f;
  p = p * t + 0.1037468f;
  p = p * t + 0.09851683f;
  p = p * t + 0.09979748f;
  const Vec tail = gauss * (t * p);
  return {x < splat(0.f) ? tail : 1.f - tail, gauss * 0.398942280f};
}

}  // namespace dpo::DPO_ISA

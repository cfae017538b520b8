// Numbers of a file of weights as the numbers that kernels compute with.
#include "simd.h"
#include "table.h"

namespace dpo::DPO_ISA {
namespace {

struct float16 {
  uint16_t bits;
};

/** The same number as a float, whatever becomes of denormals on this thread. A signaling NaN becomes quiet (IEEE 754). */
DPO_INLINE Vec widenFloat16(HalfBits half) {
#if defined(__AVX512F__)
  return (Vec)_mm512_cvtph_ps((__m256i)half);
#elif defined(__F16C__)
  return (Vec)_mm256_cvtph_ps((__m128i)half);
#else
  const Bits bits = __builtin_convertvector(half, Bits), rest = bits & 0x7fff;
  const Bits shifted = rest << 13, exponent = rest >> 10;
  const Bits normal = shifted + (112u << 23);  // exponent bias 15 → 127
  const Bits special = (shifted + (224u << 23)) | (rest > 0x7c00 ? Bits{} + 0x400000 : Bits{});
  // on bit patterns: a denormal is one of 2⁻²⁴'s multiples
  const Bits small = (Bits)(__builtin_convertvector((IntVec)rest, Vec) * 0x1p-24f);
  const Bits magnitude = exponent == 0 ? small : exponent == 31 ? special : normal;
  return (Vec)((bits & 0x8000) << 16 | magnitude);
#endif
}

template <class Lanes>
DPO_INLINE Vec loadStored(const float* p, Lanes lanes) { return load(p, lanes); }
template <class Lanes>
DPO_INLINE Vec loadStored(const bfloat16* p, Lanes lanes) { return load(p, lanes); }
template <class Lanes>
DPO_INLINE Vec loadStored(const float16* p, Lanes lanes) {
  return widenFloat16(loadBits(reinterpret_cast<const bfloat16*>(p), lanes));
}

template <class S, class T>
void convert(const void* stored, T* to, int64_t n) {
  const S* from = static_cast<const S*>(stored);
  forLanes(n, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
    store(to + i, loadStored(from + i, lanes), lanes);
  });
}

}  // namespace

template <class T>
void decode(Stored type, const void* stored, T* to, int64_t n) {
  switch (type) {
    case Stored::float32:
      return convert<float>(stored, to, n);
    case Stored::float16:
      return convert<float16>(stored, to, n);
    case Stored::bfloat16:
      return convert<bfloat16>(stored, to, n);
  }
}

template void decode(Stored, const void*, float*, int64_t);
template void decode(Stored, const void*, bfloat16*, int64_t);

}  // namespace dpo::DPO_ISA

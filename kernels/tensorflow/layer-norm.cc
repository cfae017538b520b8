// Layer normalisation (Ba, Kiros and Hinton, 2016) over the last axis, forward and gradient.
#include "simd.h"
#include "table.h"
#include "threads.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kGrain = 8192;

/** Σ f(i, lanes) over a row; f must give zeros beyond the lanes. */
template <class Term>
DPO_INLINE float rowSum(int64_t n, Term term) {
  Vec total = {};
  forLanes(n, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA { total += term(i, lanes); });
  return sum(total);
}

template <class T>
void normaliseRow(const LayerNorm<T>& op, int64_t row) {
  const int64_t C = op.channels;
  const T* x = op.x + row * C;
  T* y = op.y + row * C;
  const float mean =
      rowSum(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA { return load(x + c, lanes); }) / C;
  const float variance = rowSum(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
                           const Vec d = firstLanes(load(x + c, lanes) - mean, lanes);
                           return d * d;
                         }) / C;
  const float reciprocal = 1.f / __builtin_sqrtf(variance + op.epsilon);
  op.stats[2 * row] = mean;
  op.stats[2 * row + 1] = reciprocal;
  forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
    const Vec standard = (load(x + c, lanes) - mean) * reciprocal;
    store(y + c, standard * load(op.scale + c, lanes) + load(op.offset + c, lanes), lanes);
  });
}

/** With g = dy·scale: dx = (g − mean(g) − x̂·mean(g·x̂))/σ; adds dy·x̂ and dy to the channel sums. */
template <class T>
void gradRow(const LayerNormGrad<T>& op, int64_t row, float* dscale, float* doffset) {
  const int64_t C = op.channels;
  const T *x = op.x + row * C, *dy = op.dy + row * C;
  T* dx = op.dx + row * C;
  const float mean = op.stats[2 * row], reciprocal = op.stats[2 * row + 1];
  Vec plain = {}, weighted = {};
  forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
    const Vec d = load(dy + c, lanes), standard = (load(x + c, lanes) - mean) * reciprocal;
    store(doffset + c, load(doffset + c, lanes) + d, lanes);
    store(dscale + c, load(dscale + c, lanes) + d * standard, lanes);
    const Vec g = d * load(op.scale + c, lanes);  // zero beyond the lanes
    plain += g;
    weighted += g * standard;
  });
  const float meanG = sum(plain) / C, meanGx = sum(weighted) / C;
  forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
    const Vec standard = (load(x + c, lanes) - mean) * reciprocal;
    const Vec g = load(dy + c, lanes) * load(op.scale + c, lanes);
    store(dx + c, (g - meanG - standard * meanGx) * reciprocal, lanes);
  });
}

}  // namespace

template <class T>
void layerNorm(const LayerNorm<T>& op) {
  const int parts = partsFor(op.rows * op.channels, kGrain);
  parallel(parts, [&](int part) {
    const Range rows = share(op.rows, part, parts);
    for (int64_t row = rows.begin; row < rows.end; row++) normaliseRow(op, row);
  });
}

template <class T>
void layerNormGrad(const LayerNormGrad<T>& op) {
  const int64_t C = op.channels;
  const int parts = partsFor(op.rows * C, kGrain);
  float* partial = scratch(Scratch::shared, parts * 2 * C);
  parallel(parts, [&](int part) {
    float *dscale = partial + part * 2 * C, *doffset = dscale + C;
    memset(dscale, 0, 2 * C * sizeof(float));
    const Range rows = share(op.rows, part, parts);
    for (int64_t row = rows.begin; row < rows.end; row++) gradRow(op, row, dscale, doffset);
  });
  for (int64_t c = 0; c < C; c++) {
    float scale = 0, offset = 0;
    for (int part = 0; part < parts; part++) {
      scale += partial[part * 2 * C + c];
      offset += partial[part * 2 * C + C + c];
    }
    if (op.dscale) op.dscale[c] += scale;
    if (op.doffset) op.doffset[c] += offset;
  }
}

template void layerNorm(const LayerNorm<float>&);
template void layerNorm(const LayerNorm<bfloat16>&);
template void layerNormGrad(const LayerNormGrad<float>&);
template void layerNormGrad(const LayerNormGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

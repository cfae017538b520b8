// GEGLU (Shazeer, 2020), forward and gradient: y = h·gelu(g), where h and g are the halves of
// x + bias and gelu(g) = g·Φ(g) exactly.
#include "simd.h"
#include "table.h"
#include "threads.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kGrain = 4096;

template <class T, class Lanes>
DPO_INLINE Vec biased(const T* x, const float* bias, int64_t i, Lanes lanes) {
  return bias ? load(x + i, lanes) + load(bias + i, lanes) : load(x + i, lanes);
}

template <class T>
void gegluRow(const Geglu<T>& op, int64_t row) {
  const int64_t F = op.features;
  const T* x = op.x + row * 2 * F;
  T* y = op.y + row * F;
  forLanes(F, [&](int64_t f, auto lanes) DPO_INLINE_LAMBDA {
    const Vec h = biased(x, op.bias, f, lanes), g = biased(x, op.bias, F + f, lanes);
    store(y + f, h * (g * normal(g).cdf), lanes);
  });
}

/** gelu′(g) = Φ(g) + g·φ(g). Adds the row to dbias unless that is null. */
template <class T>
void gradRow(const GegluGrad<T>& op, int64_t row, float* dbias) {
  const int64_t F = op.features;
  const T *x = op.x + row * 2 * F, *dy = op.dy + row * F;
  T* dx = op.dx + row * 2 * F;
  forLanes(F, [&](int64_t f, auto lanes) DPO_INLINE_LAMBDA {
    const Vec h = biased(x, op.bias, f, lanes), g = biased(x, op.bias, F + f, lanes);
    const Vec d = load(dy + f, lanes);
    const Normal n = normal(g);
    const Vec dh = d * (g * n.cdf), dg = d * h * (n.cdf + g * n.density);
    store(dx + f, dh, lanes);
    store(dx + F + f, dg, lanes);
    if (dbias) {
      store(dbias + f, load(dbias + f, lanes) + dh, lanes);
      store(dbias + F + f, load(dbias + F + f, lanes) + dg, lanes);
    }
  });
}

}  // namespace

template <class T>
void geglu(const Geglu<T>& op) {
  const int parts = partsFor(op.rows * op.features, kGrain);
  parallel(parts, [&](int part) {
    const Range rows = share(op.rows, part, parts);
    for (int64_t row = rows.begin; row < rows.end; row++) gegluRow(op, row);
  });
}

template <class T>
void gegluGrad(const GegluGrad<T>& op) {
  const int64_t width = 2 * op.features;
  const int parts = partsFor(op.rows * op.features, kGrain);
  float* partial = op.dbias ? scratch(Scratch::shared, parts * width) : nullptr;
  parallel(parts, [&](int part) {
    float* dbias = partial ? partial + part * width : nullptr;
    if (dbias) memset(dbias, 0, width * sizeof(float));
    const Range rows = share(op.rows, part, parts);
    for (int64_t row = rows.begin; row < rows.end; row++) gradRow(op, row, dbias);
  });
  if (!op.dbias) return;
  for (int64_t f = 0; f < width; f++) {
    float total = 0;
    for (int part = 0; part < parts; part++) total += partial[part * width + f];
    op.dbias[f] = total;
  }
}

template void geglu(const Geglu<float>&);
template void geglu(const Geglu<bfloat16>&);
template void gegluGrad(const GegluGrad<float>&);
template void gegluGrad(const GegluGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

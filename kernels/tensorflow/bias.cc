// Bias with an optional residual, the bias gradient, and addition of one buffer to another.
#include "simd.h"
#include "table.h"
#include "threads.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kRowBlock = 32;

}  // namespace

template <class T>
void biasResidual(const BiasResidual<T>& op) {
  const int64_t C = op.channels;
  const int parts = partsFor(op.rows * C, kGrain);
  parallel(parts, [&](int part) {
    const Range rows = share(op.rows, part, parts);
    for (int64_t row = rows.begin; row < rows.end; row++) {
      T* x = op.x + row * C;
      const T* residual = op.residual ? op.residual + row * C : nullptr;
      forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
        Vec v = load(x + c, lanes);
        if (op.bias) v += load(op.bias + c, lanes);
        if (residual) v += load(residual + c, lanes);
        store(x + c, v, lanes);
      });
    }
  });
}

template <class T>
void biasGradInto(const T* dy, float* acc, int64_t rows, int64_t channels) {
  const int64_t C = channels;
  const int parts = partsFor(rows * C, kGrain);
  float* partial = scratch(Scratch::shared, parts * C);
  parallel(parts, [&](int part) {
    float* sums = partial + part * C;
    memset(sums, 0, C * sizeof(float));
    const Range r = share(rows, part, parts);
    for (int64_t block = r.begin; block < r.end; block += kRowBlock) {
      const int64_t end = block + kRowBlock < r.end ? block + kRowBlock : r.end;
      forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
        Vec total = {};
        for (int64_t i = block * C + c; i < end * C; i += C) total += load(dy + i, lanes);
        store(sums + c, load(sums + c, lanes) + total, lanes);
      });
    }
  });
  for (int64_t c = 0; c < C; c++) {
    float total = 0;
    for (int part = 0; part < parts; part++) total += partial[part * C + c];
    acc[c] += total;
  }
}

template <class T>
void accumulate(const T* src, float* dst, int64_t n) {
  const int parts = partsFor(n, kGrain);
  parallel(parts, [&](int part) {
    const Range r = share(n, part, parts);
    forLanes(r.end - r.begin, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
      float* to = dst + r.begin + i;
      store(to, load(to, lanes) + load(src + r.begin + i, lanes), lanes);
    });
  });
}

template void biasResidual(const BiasResidual<float>&);
template void biasResidual(const BiasResidual<bfloat16>&);
template void biasGradInto(const float*, float*, int64_t, int64_t);
template void biasGradInto(const bfloat16*, float*, int64_t, int64_t);
template void accumulate(const float*, float*, int64_t);
template void accumulate(const bfloat16*, float*, int64_t);

}  // namespace dpo::DPO_ISA

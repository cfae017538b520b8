// AdamW (Loshchilov and Hutter, 2019) on flat buffers, and the squared norm for clipping.
#include "simd.h"
#include "table.h"
#include "threads.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kChunk = 16384;  // summed by one thread: the norm does not depend on their number

/** Half a vector of floats becomes a whole vector of doubles. */
typedef float HalfVec __attribute__((vector_size(DPO_VECTOR_BYTES / 2), aligned(4), may_alias));
typedef double DoubleVec __attribute__((vector_size(DPO_VECTOR_BYTES)));

double chunkNorm(const float* x, int64_t n) {
  constexpr int kHalf = kLanes / 2;
  DoubleVec even = {}, odd = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const DoubleVec a =
        __builtin_convertvector(*reinterpret_cast<const HalfVec*>(x + i), DoubleVec);
    const DoubleVec b =
        __builtin_convertvector(*reinterpret_cast<const HalfVec*>(x + i + kHalf), DoubleVec);
    even += a * a;
    odd += b * b;
  }
  even += odd;
  double total = 0;
  for (int lane = 0; lane < kHalf; lane++) total += even[lane];
  for (; i < n; i++) total += static_cast<double>(x[i]) * x[i];
  return total;
}

}  // namespace

/** In torch's order (torch/optim/adamw.py, single tensor): decay, moments, step; zeroes grad. */
void adamW(const AdamW& op) {
  const float keep = static_cast<float>(1 - op.learningRate * op.weightDecay);
  const float toM = static_cast<float>(1 - op.beta1), toV = static_cast<float>(1 - op.beta2);
  const float beta2 = static_cast<float>(op.beta2), epsilon = static_cast<float>(op.epsilon);
  const float step = static_cast<float>(op.learningRate / op.correction1);
  const float root = static_cast<float>(__builtin_sqrt(op.correction2));
  const float gradScale = static_cast<float>(op.gradScale);
  const int parts = partsFor(op.size, kGrain);
  parallel(parts, [&](int part) {
    const Range r = share(op.size, part, parts);
    float *param = op.param + r.begin, *grad = op.grad + r.begin;
    float *first = op.m + r.begin, *second = op.v + r.begin;
    forLanes(r.end - r.begin, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
      const Vec g = load(grad + i, lanes) * gradScale;
      Vec m = load(first + i, lanes), v = load(second + i, lanes);
      m += (g - m) * toM;
      v = v * beta2 + g * g * toV;
      const Vec denominator = squareRoot(v) / root + epsilon;
      store(param + i, load(param + i, lanes) * keep - m / denominator * step, lanes);
      store(first + i, m, lanes);
      store(second + i, v, lanes);
      store(grad + i, Vec{}, lanes);
    });
  });
}

double squaredNorm(const float* x, int64_t n) {
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  double* partial = reinterpret_cast<double*>(scratch(Scratch::shared, 2 * chunks));
  const int parts = partsFor(n, kGrain);
  parallel(parts, [&](int part) {
    const Range r = share(chunks, part, parts);
    for (int64_t chunk = r.begin; chunk < r.end; chunk++) {
      const int64_t begin = chunk * kChunk, rest = n - begin;
      partial[chunk] = chunkNorm(x + begin, rest < kChunk ? rest : kChunk);
    }
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) total += partial[chunk];
  return total;
}

}  // namespace dpo::DPO_ISA

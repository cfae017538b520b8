// Group normalisation (Wu and He, 2018) with an optional shift before and SiLU after it, forward.
#include "simd.h"
#include "table.h"
#include "threads.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kRowBlock = 32;  // rows summed in registers before they reach the running sums
constexpr int64_t kGrain = 8192;   // elements that are worth waking a thread

/**
 * Channel sums of (x − pivot) and (x − pivot)² over rows r of one sample, where the pivot is the
 * sample's first row: without it the variance of data far from zero would cancel.
 */
template <class T>
void moments(const GroupNorm<T>& op, int64_t sample, Range r, float* sums, float* squares) {
  const int64_t C = op.channels;
  const T* pivot = op.x + sample * op.rows * C;
  memset(sums, 0, C * sizeof(float));
  memset(squares, 0, C * sizeof(float));
  for (int64_t block = r.begin; block < r.end; block += kRowBlock) {
    const int64_t end = block + kRowBlock < r.end ? block + kRowBlock : r.end;
    forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
      const Vec center = load(pivot + c, lanes);
      Vec s = {}, q = {};
      for (int64_t row = block; row < end; row++) {
        const Vec d = load(pivot + row * C + c, lanes) - center;
        s += d;
        q += d * d;
      }
      store(sums + c, load(sums + c, lanes) + s, lanes);
      store(squares + c, load(squares + c, lanes) + q, lanes);
    });
  }
}

/** Joins the slices' moments into each group's mean and 1/σ, and these into y = x·a + b per channel. */
template <class T>
void statistics(const GroupNorm<T>& op, int64_t sample, float* partial, int slices, float* a,
                float* b) {
  const int64_t C = op.channels, width = C / op.groups;
  const T* pivot = op.x + sample * op.rows * C;
  const float* shift = op.shift ? op.shift + sample * C : nullptr;
  const double rows = static_cast<double>(op.rows);
  for (int64_t g = 0; g < op.groups; g++) {
    double mean = 0, spread = 0, between = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        double s = 0, q = 0;
        for (int slice = 0; slice < slices; slice++) {
          s += partial[slice * 2 * C + c];
          q += partial[slice * 2 * C + C + c];
        }
        const double center = toFloat(pivot[c]) + (shift ? shift[c] : 0.f) + s / rows;
        if (pass == 0) {
          mean += center / width;
        } else {
          spread += q - s * s / rows;
          between += (center - mean) * (center - mean);
        }
      }
    }
    const double variance = spread / (rows * width) + between / width;
    const float reciprocal =
        static_cast<float>(1 / __builtin_sqrt((variance < 0 ? 0 : variance) + op.epsilon));
    float* stats = op.stats + (sample * op.groups + g) * 2;
    stats[0] = static_cast<float>(mean);
    stats[1] = reciprocal;
    for (int64_t c = g * width; c < (g + 1) * width; c++) {
      a[c] = op.scale[c] * reciprocal;
      b[c] = op.offset[c] + static_cast<float>((shift ? shift[c] : 0.f) - mean) * a[c];
    }
  }
}

template <bool silu, class T>
void normalise(const GroupNorm<T>& op, int64_t sample, Range r, const float* a, const float* b) {
  const int64_t C = op.channels;
  for (int64_t row = sample * op.rows + r.begin; row < sample * op.rows + r.end; row++) {
    const T* x = op.x + row * C;
    T* y = op.y + row * C;
    forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
      const Vec z = load(x + c, lanes) * load(a + c, lanes) + load(b + c, lanes);
      store(y + c, silu ? z * sigmoid(z) : z, lanes);
    });
  }
}

}  // namespace

template <class T>
void groupNorm(const GroupNorm<T>& op) {
  const int64_t N = op.samples, R = op.rows, C = op.channels;
  const int threads = partsFor(N * R * C, kGrain);
  const bool bySample = N % threads == 0 || N >= 4 * threads;
  const int slices = bySample ? 1 : threads;
  // Per sample: the slices' sums and squares, then a and b.
  const int64_t stride = (2 * slices + 2) * C;
  float* memory = scratch(Scratch::shared, N * stride);
  const auto coefficients = [&](int64_t n) { return memory + n * stride + 2 * slices * C; };
  const auto firstPass = [&](int64_t n, int slice) {
    float* sums = memory + n * stride + slice * 2 * C;
    moments(op, n, share(R, slice, slices), sums, sums + C);
  };
  const auto join = [&](int64_t n) {
    float* a = coefficients(n);
    statistics(op, n, memory + n * stride, slices, a, a + C);
  };
  const auto secondPass = [&](int64_t n, int slice) {
    const float* a = coefficients(n);
    const Range r = share(R, slice, slices);
    op.silu ? normalise<true>(op, n, r, a, a + C) : normalise<false>(op, n, r, a, a + C);
  };
  if (bySample) {
    parallel(threads, [&](int part) {
      const Range samples = share(N, part, threads);
      for (int64_t n = samples.begin; n < samples.end; n++) {
        firstPass(n, 0);
        join(n);
        secondPass(n, 0);
      }
    });
    return;
  }
  const int parts = static_cast<int>(N) * slices;
  parallel(parts, [&](int part) { firstPass(part / slices, part % slices); });
  for (int64_t n = 0; n < N; n++) join(n);
  parallel(parts, [&](int part) { secondPass(part / slices, part % slices); });
}

template void groupNorm(const GroupNorm<float>&);
template void groupNorm(const GroupNorm<bfloat16>&);

}  // namespace dpo::DPO_ISA

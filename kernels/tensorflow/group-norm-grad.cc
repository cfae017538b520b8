// Gradient of group normalisation with an optional shift before and SiLU after it.
//
// With x̂ = (x + shift − mean)/σ, z = x̂·scale + offset and d = ∂loss/∂z, over a group of M values:
//   dx = (scale·d − Σ(scale·d)/M − x̂·Σ(scale·d·x̂)/M) / σ,   dscale = Σ d·x̂,   doffset = Σ d.
#include "simd.h"
#include "table.h"
#include "threads.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kRowBlock = 32;
constexpr int64_t kGrain = 4096;

/** One sample's rows per channel: Σd, Σd·x̂, Σx̂, each [C]. */
struct Sums {
  float *d, *dx, *x;
};

/** One sample's coefficients per channel, each [C]. */
struct Coefficients {
  float *r, *t;       // x̂ = x·r + t
  float *a, *b, *c;   // dx = d·a + x·b + c
};

template <class T>
void standardiser(const GroupNormGrad<T>& op, int64_t sample, Coefficients out) {
  const int64_t width = op.channels / op.groups;
  for (int64_t c = 0; c < op.channels; c++) {
    const float* stats = op.stats + (sample * op.groups + c / width) * 2;
    const float shift = op.shift ? op.shift[sample * op.channels + c] : 0.f;
    out.r[c] = stats[1];
    out.t[c] = (shift - stats[0]) * stats[1];
  }
}

/** First pass over rows r: the channel sums; with SiLU, d is left in dx for the second pass. */
template <bool silu, class T>
void channelSums(const GroupNormGrad<T>& op, int64_t sample, Range r, Coefficients k, Sums sums) {
  const int64_t C = op.channels, first = sample * op.rows;
  memset(sums.d, 0, 3 * C * sizeof(float));
  for (int64_t block = first + r.begin; block < first + r.end; block += kRowBlock) {
    const int64_t end = block + kRowBlock < first + r.end ? block + kRowBlock : first + r.end;
    forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
      const Vec reciprocal = load(k.r + c, lanes), offsetMean = load(k.t + c, lanes);
      const Vec scale = load(op.scale + c, lanes), offset = load(op.offset + c, lanes);
      Vec sumD = {}, sumDx = {}, sumX = {};
      for (int64_t i = block * C + c; i < end * C; i += C) {
        const Vec x = load(op.x + i, lanes) * reciprocal + offsetMean;
        Vec d = load(op.dy + i, lanes);
        if (silu) {
          const Vec z = x * scale + offset, s = sigmoid(z);
          d *= s * (1.f + z * (1.f - s));
          store(op.dx + i, d, lanes);
        }
        sumD += d;
        sumDx += d * x;
        sumX += x;
      }
      store(sums.d + c, load(sums.d + c, lanes) + sumD, lanes);
      store(sums.dx + c, load(sums.dx + c, lanes) + sumDx, lanes);
      store(sums.x + c, load(sums.x + c, lanes) + sumX, lanes);
    });
  }
}

/** From the sums: the coefficients of dx, and dshift, which is Σ dx over the rows. */
template <class T>
void groupTerms(const GroupNormGrad<T>& op, int64_t sample, Sums sums, Coefficients k) {
  const int64_t C = op.channels, width = C / op.groups;
  const double rows = static_cast<double>(op.rows), M = rows * width;
  for (int64_t g = 0; g < op.groups; g++) {
    double plain = 0, weighted = 0;
    for (int64_t c = g * width; c < (g + 1) * width; c++) {
      plain += static_cast<double>(op.scale[c]) * sums.d[c];
      weighted += static_cast<double>(op.scale[c]) * sums.dx[c];
    }
    for (int64_t c = g * width; c < (g + 1) * width; c++) {
      const double r = k.r[c];
      k.a[c] = static_cast<float>(r * op.scale[c]);
      k.b[c] = static_cast<float>(-r * r * weighted / M);
      k.c[c] = static_cast<float>(-r * (plain + k.t[c] * weighted) / M);
      if (op.dshift) {
        op.dshift[sample * C + c] = static_cast<float>(
            r * (op.scale[c] * static_cast<double>(sums.d[c]) - plain / width -
                 sums.x[c] * weighted / M));
      }
    }
  }
}

/** Second pass: dx from d, which with SiLU already lies in dx. */
template <class T>
void inputGrad(const GroupNormGrad<T>& op, int64_t sample, Range r, Coefficients k) {
  const int64_t C = op.channels;
  const T* d = op.silu ? op.dx : op.dy;
  for (int64_t row = sample * op.rows + r.begin; row < sample * op.rows + r.end; row++) {
    forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
      const int64_t i = row * C + c;
      const Vec linear = load(op.x + i, lanes) * load(k.b + c, lanes) + load(k.c + c, lanes);
      store(op.dx + i, load(d + i, lanes) * load(k.a + c, lanes) + linear, lanes);
    });
  }
}

void add(float* to, const float* from, int64_t n) {
  forLanes(n, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
    store(to + i, load(to + i, lanes) + load(from + i, lanes), lanes);
  });
}

}  // namespace

template <class T>
void groupNormGrad(const GroupNormGrad<T>& op) {
  const int64_t N = op.samples, R = op.rows, C = op.channels;
  const int threads = partsFor(N * R * C, kGrain);
  const bool bySample = N % threads == 0 || N >= 4 * threads;
  const int slices = bySample ? 1 : threads;
  // Per sample: five coefficients, then three sums for each slice.
  const int64_t stride = (5 + 3 * slices) * C;
  float* memory = scratch(Scratch::shared, N * stride);
  const auto coefficients = [&](int64_t n) {
    float* p = memory + n * stride;
    return Coefficients{p, p + C, p + 2 * C, p + 3 * C, p + 4 * C};
  };
  const auto sums = [&](int64_t n, int slice) {
    float* p = memory + n * stride + (5 + 3 * slice) * C;
    return Sums{p, p + C, p + 2 * C};
  };
  const auto firstPass = [&](int64_t n, int slice) {
    const Range r = share(R, slice, slices);
    op.silu ? channelSums<true>(op, n, r, coefficients(n), sums(n, slice))
            : channelSums<false>(op, n, r, coefficients(n), sums(n, slice));
  };
  const auto join = [&](int64_t n) {
    for (int slice = 1; slice < slices; slice++) add(sums(n, 0).d, sums(n, slice).d, 3 * C);
    groupTerms(op, n, sums(n, 0), coefficients(n));
  };
  if (bySample) {
    parallel(threads, [&](int part) {
      const Range samples = share(N, part, threads);
      for (int64_t n = samples.begin; n < samples.end; n++) {
        standardiser(op, n, coefficients(n));
        firstPass(n, 0);
        join(n);
        inputGrad(op, n, {0, R}, coefficients(n));
      }
    });
  } else {
    const int parts = static_cast<int>(N) * slices;
    for (int64_t n = 0; n < N; n++) standardiser(op, n, coefficients(n));
    parallel(parts, [&](int part) { firstPass(part / slices, part % slices); });
    for (int64_t n = 0; n < N; n++) join(n);
    parallel(parts, [&](int part) {
      const int64_t n = part / slices;
      inputGrad(op, n, share(R, part % slices, slices), coefficients(n));
    });
  }
  for (int64_t n = 1; n < N; n++) add(sums(0, 0).d, sums(n, 0).d, 2 * C);
  if (op.doffset) add(op.doffset, sums(0, 0).d, C);
  if (op.dscale) add(op.dscale, sums(0, 0).dx, C);
}

template void groupNormGrad(const GroupNormGrad<float>&);
template void groupNormGrad(const GroupNormGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

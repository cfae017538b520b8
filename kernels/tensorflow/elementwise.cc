// Activations and their gradients, the sum of two tensors, and nearest-neighbour upsampling.
#include "simd.h"
#include "table.h"
#include "threads.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kGrain = 16384;

/** body(i, lanes) for the vectors of 0 … n−1, in parallel. */
template <class Body>
void forElements(int64_t n, int64_t grain, Body body) {
  const int parts = partsFor(n, grain);
  parallel(parts, [&](int part) {
    const Range r = share(n, part, parts);
    forLanes(r.end - r.begin,
             [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA { body(r.begin + i, lanes); });
  });
}

/** A function's value and its derivative. */
struct Silu {
  static DPO_INLINE Vec value(Vec x) { return x * sigmoid(x); }
  static DPO_INLINE Vec slope(Vec x) {
    const Vec s = sigmoid(x);
    return s * (1.f + x * (1.f - s));
  }
};

/** x·Φ(x), with the distribution function of the standard normal. */
struct Gelu {
  static DPO_INLINE Vec value(Vec x) { return x * normal(x).cdf; }
  static DPO_INLINE Vec slope(Vec x) {
    const Normal n = normal(x);
    return n.cdf + x * n.density;
  }
};

/** x·σ(1.702·x): CLIP's. */
struct QuickGelu {
  static constexpr float k = 1.702f;
  static DPO_INLINE Vec value(Vec x) { return x * sigmoid(x * k); }
  static DPO_INLINE Vec slope(Vec x) {
    const Vec s = sigmoid(x * k);
    return s * (1.f + x * k * (1.f - s));
  }
};

template <class Function, class T>
void apply(const Activate<T>& op) {
  constexpr int64_t kWorth = kGrain / 4;
  if (op.dy) {
    forElements(op.size, kWorth, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
      store(op.y + i, load(op.dy + i, lanes) * Function::slope(load(op.x + i, lanes)), lanes);
    });
  } else {
    forElements(op.size, kWorth, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
      store(op.y + i, Function::value(load(op.x + i, lanes)), lanes);
    });
  }
}

/** body(line) for each line of pixels of all samples, in parallel. */
template <class Op, class Body>
void forLines(const Op& op, Body body) {
  const int64_t lines = op.samples * op.height;
  const int parts = partsFor(lines * op.width * op.channels, kGrain);
  parallel(parts, [&](int part) {
    const Range r = share(lines, part, parts);
    for (int64_t line = r.begin; line < r.end; line++) body(line);
  });
}

}  // namespace

template <class T>
void activate(const Activate<T>& op) {
  switch (op.function) {
    case Activation::silu:
      return apply<Silu>(op);
    case Activation::gelu:
      return apply<Gelu>(op);
    case Activation::quickGelu:
      return apply<QuickGelu>(op);
  }
}

template <class T>
void add(const T* a, const T* b, T* y, int64_t n) {
  forElements(n, kGrain, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
    store(y + i, load(a + i, lanes) + load(b + i, lanes), lanes);
  });
}

template <class T>
void upsample(const Upsample<T>& op) {
  const int64_t C = op.channels, width = op.width * C;
  forLines(op, [&](int64_t line) {
    const T* x = op.x + line * width;
    T* y = op.y + 4 * line * width;  // two lines of twice the width
    for (int64_t pixel = 0; pixel < op.width; pixel++) {
      memcpy(y + 2 * pixel * C, x + pixel * C, C * sizeof(T));
      memcpy(y + (2 * pixel + 1) * C, x + pixel * C, C * sizeof(T));
    }
    memcpy(y + 2 * width, y, 2 * width * sizeof(T));
  });
}

template <class T>
void upsampleGrad(const UpsampleGrad<T>& op) {
  const int64_t C = op.channels, width = op.width * C;
  forLines(op, [&](int64_t line) {
    for (int64_t pixel = 0; pixel < op.width; pixel++) {
      const T *above = op.dy + 4 * line * width + 2 * pixel * C, *below = above + 2 * width;
      T* dx = op.dx + line * width + pixel * C;
      forLanes(C, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
        store(dx + c,
              (load(above + c, lanes) + load(above + C + c, lanes)) +
                  (load(below + c, lanes) + load(below + C + c, lanes)),
              lanes);
      });
    }
  });
}

template void activate(const Activate<float>&);
template void activate(const Activate<bfloat16>&);
template void add(const float*, const float*, float*, int64_t);
template void add(const bfloat16*, const bfloat16*, bfloat16*, int64_t);
template void upsample(const Upsample<float>&);
template void upsample(const Upsample<bfloat16>&);
template void upsampleGrad(const UpsampleGrad<float>&);
template void upsampleGrad(const UpsampleGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

// DpoGroupNorm, DpoLayerNorm, DpoGeglu and their gradients as operations.
#include "kernels.h"
#include "operations.h"

namespace dpo {
namespace {

/** [N, …, C] read as N samples of R rows. */
struct Layout {
  int64_t samples, rows, channels;
  explicit Layout(const Shape& x)
      : samples(x.rank > 0 ? x.dims[0] : 1), channels(x.last()) {
    const int64_t perRow = samples * channels;
    rows = perRow > 0 ? x.size() / perRow : 0;
  }
};

bool groupsFit(OpContext& c, const Attributes& a, const Layout& x) {
  return c.require(a.groups > 0 && x.channels % a.groups == 0,
                   "the channels do not divide into the groups");
}

/** Input i is a gradient [C] to be added to, or empty. */
bool gradientFits(OpContext& c, int i, int64_t channels) {
  return c.input(i).size == 0 || c.requireSize(i, channels);
}

bool shiftFits(OpContext& c, int i, const Layout& x) {
  return c.input(i).size == 0 || c.requireSize(i, x.samples * x.channels);
}

template <class T>
void groupNorm(const Attributes& a, OpContext& c) {
  const auto &x = c.input(0), &scale = c.input(1), &offset = c.input(2), &shift = c.input(3);
  const Layout n(x.shape);
  if (!groupsFit(c, a, n) || !c.requireSize(1, n.channels) || !c.requireSize(2, n.channels) ||
      !shiftFits(c, 3, n)) {
    return;
  }
  T* y = c.output<T>(0, x.shape);
  float* stats = c.output(1, {n.samples, a.groups, 2});
  if (c.failed() || x.size == 0) return;
  kernelsOf<T>().groupNorm({x.as<T>(), scale.floats(), offset.floats(), shift.orNull(), y, stats,
                       n.samples, n.rows, n.channels, a.groups, a.epsilon, a.silu});
}

template <class T>
void groupNormGrad(const Attributes& a, OpContext& c) {
  const auto &dy = c.input(0), &x = c.input(1), &scale = c.input(2), &offset = c.input(3);
  const auto &shift = c.input(4), &stats = c.input(5), &dscale = c.input(6), &doffset = c.input(7);
  const Layout n(x.shape);
  if (!groupsFit(c, a, n) || !c.requireSize(0, x.size) || !c.requireSize(2, n.channels) ||
      !c.requireSize(3, n.channels) || !shiftFits(c, 4, n) ||
      !c.requireSize(5, n.samples * a.groups * 2) || !gradientFits(c, 6, n.channels) ||
      !gradientFits(c, 7, n.channels)) {
    return;
  }
  T* dx = c.output<T>(0, x.shape);
  float* dshift = c.output(1, shift.size > 0 ? Shape{n.samples, n.channels} : Shape{0});
  if (c.failed() || x.size == 0) return;
  kernelsOf<T>().groupNormGrad({dy.as<T>(), x.as<T>(), scale.floats(), offset.floats(),
                           shift.orNull(), stats.floats(), dx, dscale.orNull(), doffset.orNull(),
                           shift.size > 0 ? dshift : nullptr, n.samples, n.rows, n.channels,
                           a.groups, a.silu});
}

template <class T>
void layerNorm(const Attributes& a, OpContext& c) {
  const auto &x = c.input(0), &scale = c.input(1), &offset = c.input(2);
  const int64_t channels = x.shape.last(), rows = channels > 0 ? x.size / channels : 0;
  if (!c.requireSize(1, channels) || !c.requireSize(2, channels)) return;
  T* y = c.output<T>(0, x.shape);
  float* stats = c.output(1, {rows, 2});
  if (c.failed() || x.size == 0) return;
  kernelsOf<T>().layerNorm(
      {x.as<T>(), scale.floats(), offset.floats(), y, stats, rows, channels, a.epsilon});
}

template <class T>
void layerNormGrad(const Attributes&, OpContext& c) {
  const auto &dy = c.input(0), &x = c.input(1), &scale = c.input(2), &stats = c.input(3);
  const auto &dscale = c.input(4), &doffset = c.input(5);
  const int64_t channels = x.shape.last(), rows = channels > 0 ? x.size / channels : 0;
  if (!c.requireSize(0, x.size) || !c.requireSize(2, channels) || !c.requireSize(3, rows * 2) ||
      !gradientFits(c, 4, channels) || !gradientFits(c, 5, channels)) {
    return;
  }
  T* dx = c.output<T>(0, x.shape);
  if (c.failed()) return;
  kernelsOf<T>().layerNormGrad({dy.as<T>(), x.as<T>(), scale.floats(), stats.floats(), dx,
                           dscale.orNull(), doffset.orNull(), rows, channels});
}

/** Checks x [.., 2F] and its bias; returns [.., F]. */
Shape halved(OpContext& c, int x, int bias) {
  Shape shape = c.input(x).shape;
  const int64_t width = shape.last();
  if (!c.require(shape.rank > 0 && width > 0 && width % 2 == 0, "the last axis must be even") ||
      (c.input(bias).size > 0 && !c.requireSize(bias, width))) {
    return shape;
  }
  shape.dims[shape.rank - 1] /= 2;
  return shape;
}

template <class T>
void geglu(const Attributes&, OpContext& c) {
  const Shape half = halved(c, 0, 1);
  T* y = c.output<T>(0, half);
  if (c.failed()) return;
  const int64_t features = half.last();
  kernelsOf<T>().geglu(
      {c.input(0).as<T>(), c.input(1).orNull(), y, half.size() / features, features});
}

template <class T>
void gegluGrad(const Attributes&, OpContext& c) {
  const auto &dy = c.input(0), &x = c.input(1), &bias = c.input(2);
  const Shape half = halved(c, 1, 2);
  if (c.failed() || !c.requireSize(0, half.size())) return;
  T* dx = c.output<T>(0, x.shape);
  float* dbias = c.output(1, {bias.size});
  if (c.failed()) return;
  const int64_t features = half.last();
  kernelsOf<T>().gegluGrad({dy.as<T>(), x.as<T>(), bias.orNull(), dx,
                       bias.size > 0 ? dbias : nullptr, half.size() / features, features});
}

}  // namespace

void addNormOps(Operations& ops) {
  ops.add({"DpoGroupNorm",
           {"groups: int", "epsilon: float", "silu: bool = false"},
           {"x: T", "scale: float", "offset_by: float", "shift: float"},
           {"y: T", "stats: float"}},
          groupNorm<float>, groupNorm<bfloat16>);
  ops.add({"DpoGroupNormGradInto",
           {"groups: int", "silu: bool = false"},
           {"dy: T", "x: T", "scale: float", "offset_by: float", "shift: float", "stats: float",
            "dscale: float", "doffset: float"},
           {"dx: T", "dshift: float"}},
          groupNormGrad<float>, groupNormGrad<bfloat16>);
  ops.add({"DpoLayerNorm",
           {"epsilon: float"},
           {"x: T", "scale: float", "offset_by: float"},
           {"y: T", "stats: float"}},
          layerNorm<float>, layerNorm<bfloat16>);
  ops.add({"DpoLayerNormGradInto",
           {},
           {"dy: T", "x: T", "scale: float", "stats: float", "dscale: float", "doffset: float"},
           {"dx: T"}},
          layerNormGrad<float>, layerNormGrad<bfloat16>);
  ops.add({"DpoGeglu", {}, {"x: T", "bias: float"}, {"y: T"}},
          geglu<float>, geglu<bfloat16>);
  ops.add({"DpoGegluGrad",
           {},
           {"dy: T", "x: T", "bias: float"},
           {"dx: T", "dbias: float"}},
          gegluGrad<float>, gegluGrad<bfloat16>);
}

}  // namespace dpo

// DpoLinear, DpoConv and their gradients as operations.
#include "kernels.h"
#include "operations.h"

namespace dpo {
namespace {

/** Rows of a tensor [.., C]. */
int64_t rowsOf(const OpContext::Input& x) {
  const int64_t C = x.shape.last();
  return C > 0 ? x.size / C : 0;
}

Weight weight(const OpContext::Input& w) {
  if (w.type() == TF_BFLOAT16) return {nullptr, w.as<bfloat16>()};
  return {w.floats(), nullptr};
}

Shape withLast(Shape shape, int64_t last) {
  if (shape.rank > 0) shape.dims[shape.rank - 1] = last;
  return shape;
}

/** Input 0 is [.., C] and input 1 a weight [out, in] whose `axis` has C numbers. */
bool weightFits(OpContext& c, int axis) {
  const Shape &x = c.input(0).shape, &w = c.input(1).shape;
  return c.require(x.rank > 0, "the first input needs a last axis") &&
         c.require(w.rank == 2 && w.dims[axis] == x.last(), "the weight [out, in] does not fit");
}

template <class T>
void linear(const Attributes&, OpContext& c) {
  const auto &x = c.input(0), &w = c.input(1), &bias = c.input(2), &residual = c.input(3);
  if (!weightFits(c, 1)) return;
  const int64_t out = w.shape.dims[0], rows = rowsOf(x);
  if ((bias.size > 0 && !c.requireSize(2, out)) ||
      (residual.size > 0 && !c.requireSize(3, rows * out))) {
    return;
  }
  T* y = c.output<T>(0, withLast(x.shape, out));
  if (c.failed() || rows * out == 0) return;
  kernelsOf<T>().linear({x.as<T>(), weight(w), bias.orNull(), residual.orNull<T>(), y, rows,
                    x.shape.last(), out, true});
}

template <class T>
void linearInputGrad(const Attributes&, OpContext& c) {
  const auto &dy = c.input(0), &w = c.input(1);
  if (!weightFits(c, 0)) return;
  const int64_t in = w.shape.dims[1], rows = rowsOf(dy);
  T* dx = c.output<T>(0, withLast(dy.shape, in));
  if (c.failed() || rows * in == 0) return;
  kernelsOf<T>().linear(
      {dy.as<T>(), weight(w), nullptr, nullptr, dx, rows, dy.shape.last(), in, false});
}

/** Adds the sums of dy's columns to input i, the gradient of a bias, unless that is empty. */
template <class T>
bool addBiasGrad(OpContext& c, const OpContext::Input& dy, int i, int64_t out) {
  const auto& acc = c.input(i);
  if (acc.size == 0) return true;
  if (!c.requireSize(i, out)) return false;
  if (dy.size > 0) kernelsOf<T>().biasGradInto(dy.as<T>(), acc.floats(), dy.size / out, out);
  return true;
}

template <class T>
void linearWeightGrad(const Attributes&, OpContext& c) {
  const auto &dy = c.input(0), &x = c.input(1), &acc = c.input(2);
  const int64_t out = dy.shape.last(), in = x.shape.last();
  if (!c.require(rowsOf(dy) == rowsOf(x), "dy and x must have the same rows") ||
      !c.requireSize(2, out * in) || !addBiasGrad<T>(c, dy, 3, out) || dy.size == 0 || in == 0) {
    return;
  }
  kernelsOf<T>().linearWeightGrad({dy.as<T>(), x.as<T>(), acc.floats(), rowsOf(x), in, out});
}

/** Rows (or columns) of the result and the padding before the first: TensorFlow's SAME or EXPLICIT. */
struct Extent {
  int64_t out, padBefore;
  Extent(int64_t size, int64_t kernel, const Attributes& a) {
    const int64_t starts = a.same ? size : a.before + size + a.after - kernel + 1;
    out = starts > 0 ? (starts + a.stride - 1) / a.stride : 0;
    const int64_t missing = (out - 1) * a.stride + kernel - size;
    padBefore = !a.same ? a.before : missing > 0 ? missing / 2 : 0;
  }
};

/** The geometry of x [N, H, W, in] with a weight [kH, kW, in, out]. */
ConvShape convShape(const Attributes& a, const Shape& x, const Shape& w) {
  const Extent rows(x.dims[1], w.dims[0], a), columns(x.dims[2], w.dims[1], a);
  return {x.dims[0], x.dims[1], x.dims[2], x.dims[3],  rows.out,       columns.out,      w.dims[3],
          w.dims[0], w.dims[1], a.stride,  int64_t{1}, rows.padBefore, columns.padBefore};
}

bool convFits(OpContext& c, const Attributes& a, const Shape& x, const Shape& w) {
  return c.require(a.stride > 0, "the stride must be positive") &&
         c.require(a.before >= 0 && a.after >= 0, "a border cannot be negative") &&
         c.require(x.rank == 4 && w.rank == 4 && x.dims[3] == w.dims[2],
                   "x must be [N, H, W, in] and the weight [kH, kW, in, out]") &&
         c.require(w.dims[0] * w.dims[1] <= 9 && w.dims[0] * w.dims[1] > 0,
                   "a kernel has one to nine taps");
}

template <class T>
void convolution(const Attributes& a, OpContext& c) {
  const auto &x = c.input(0), &w = c.input(1), &bias = c.input(2), &residual = c.input(3);
  if (!convFits(c, a, x.shape, w.shape)) return;
  const ConvShape n = convShape(a, x.shape, w.shape);
  const Shape shape{n.samples, n.outHeight, n.outWidth, n.out};
  if ((bias.size > 0 && !c.requireSize(2, n.out)) ||
      (residual.size > 0 && !c.requireSize(3, shape.size()))) {
    return;
  }
  T* y = c.output<T>(0, shape);
  if (c.failed() || shape.size() == 0) return;
  kernelsOf<T>().convolution({n, x.as<T>(), weight(w), bias.orNull(), residual.orNull<T>(), y, false});
}

/** Input 2 is only asked for its shape, that of x. */
template <class T>
void convolutionInputGrad(const Attributes& a, OpContext& c) {
  const auto &dy = c.input(0), &w = c.input(1), &x = c.input(2);
  if (!convFits(c, a, x.shape, w.shape)) return;
  const ConvShape n = convShape(a, x.shape, w.shape);
  if (!c.requireSize(0, n.samples * n.outHeight * n.outWidth * n.out)) return;
  T* dx = c.output<T>(0, x.shape);
  if (c.failed() || x.size == 0) return;
  const ConvShape back{n.samples, n.outHeight,    n.outWidth,     n.out, n.height,
                       n.width,   n.in,           n.kernelHeight, n.kernelWidth,
                       1,         n.stride,       n.kernelHeight - 1 - n.padTop,
                       n.kernelWidth - 1 - n.padLeft};
  kernelsOf<T>().convolution({back, dy.as<T>(), weight(w), nullptr, nullptr, dx, true});
}

/** acc is a gradient laid out as the weight, whose shape it must have. */
template <class T>
void convolutionWeightGrad(const Attributes& a, OpContext& c) {
  const auto &x = c.input(0), &dy = c.input(1), &acc = c.input(2);
  if (!convFits(c, a, x.shape, acc.shape)) return;
  const ConvShape n = convShape(a, x.shape, acc.shape);
  if (!c.requireSize(1, n.samples * n.outHeight * n.outWidth * n.out) ||
      !addBiasGrad<T>(c, dy, 3, n.out) || dy.size == 0) {
    return;
  }
  kernelsOf<T>().convolutionWeightGrad({n, x.as<T>(), dy.as<T>(), acc.floats()});
}

/** before, after: rows and columns of zeros around the picture where it is not padded to stay the same. */
const std::initializer_list<const char*> kConvAttributes = {
    "stride: int = 1", "same: bool = true", "before: int = 0", "after: int = 0"};

}  // namespace

void addMatrixOps(Operations& ops) {
  ops.add({"DpoLinear",
           {},
           {"x: T", "w: W", "bias: float", "residual: T"},
           {"y: T"}},
          linear<float>, linear<bfloat16>);
  ops.add({"DpoLinearInputGrad", {}, {"dy: T", "w: W"}, {"dx: T"}},
          linearInputGrad<float>, linearInputGrad<bfloat16>);
  ops.add({"DpoLinearWeightGradInto",
           {},
           {"dy: T", "x: T", "acc: float", "bias_acc: float"},
           {}},
          linearWeightGrad<float>, linearWeightGrad<bfloat16>);
  ops.add({"DpoConv",
           kConvAttributes,
           {"x: T", "w: W", "bias: float", "residual: T"},
           {"y: T"}},
          convolution<float>, convolution<bfloat16>);
  ops.add({"DpoConvInputGrad",
           kConvAttributes,
           {"dy: T", "w: W", "x: T"},
           {"dx: T"}},
          convolutionInputGrad<float>, convolutionInputGrad<bfloat16>);
  ops.add({"DpoConvWeightGradInto",
           kConvAttributes,
           {"x: T", "dy: T", "acc: float", "bias_acc: float"},
           {}},
          convolutionWeightGrad<float>, convolutionWeightGrad<bfloat16>);
}

}  // namespace dpo

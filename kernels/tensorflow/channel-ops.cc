// Joining two tensors along their last axis, and cutting one into two.
#include <string.h>

#include "operations.h"
#include "threads.h"

namespace dpo {
namespace {

constexpr int64_t kCopyGrain = 65536;

/** Copies `count` numbers between each of `rows` rows of the first and of the second matrix. */
template <class T>
void copyRows(const T* from, int64_t fromRow, T* to, int64_t toRow, int64_t rows, int64_t count) {
  const int parts = partsFor(rows * count, kCopyGrain);
  parallel(parts, [&](int part) {
    const Range r = share(rows, part, parts);
    for (int64_t row = r.begin; row < r.end; row++) {
      memcpy(to + row * toRow, from + row * fromRow, count * sizeof(T));
    }
  });
}

template <class T>
void concatChannels(const Attributes&, OpContext& c) {
  const auto &a = c.input(0), &b = c.input(1);
  Shape shape = a.shape;
  if (!c.require(a.shape.rank > 0 && a.shape.rank == b.shape.rank, "the inputs must be of one rank")) return;
  for (int d = 0; d + 1 < shape.rank; d++) {
    if (!c.require(shape.dims[d] == b.shape.dims[d], "only channels may differ")) return;
  }
  const int64_t left = a.shape.last(), right = b.shape.last();
  shape.dims[shape.rank - 1] = left + right;
  T* y = c.output<T>(0, shape);
  if (c.failed() || shape.size() == 0) return;
  const int64_t rows = shape.size() / (left + right);
  copyRows(a.as<T>(), left, y, left + right, rows, left);
  copyRows(b.as<T>(), right, y + left, left + right, rows, right);
}

template <class T>
void splitChannels(const Attributes&, OpContext& c) {
  const auto& x = c.input(0);
  const Shape sizes = c.shapeIn(1);
  const int64_t left = sizes.dims[0], right = sizes.dims[1];
  if (c.failed() || !c.require(sizes.rank == 2 && x.shape.rank > 0 && left + right == x.shape.last(),
                               "the sizes must be two, and sum up to the channels")) {
    return;
  }
  Shape shape = x.shape;
  shape.dims[shape.rank - 1] = left;
  T* a = c.output<T>(0, shape);
  shape.dims[shape.rank - 1] = right;
  T* b = c.output<T>(1, shape);
  if (c.failed() || x.size == 0) return;
  const int64_t rows = x.size / (left + right);
  copyRows(x.as<T>(), left + right, a, left, rows, left);
  copyRows(x.as<T>() + left, left + right, b, right, rows, right);
}

}  // namespace

void addChannelOps(Operations& ops) {
  ops.add({"DpoConcatChannels", {}, {"a: T", "b: T"}, {"y: T"}},
          concatChannels<float>, concatChannels<bfloat16>);
  ops.add({"DpoSplitChannels", {}, {"x: T", "sizes: int32"}, {"a: T", "b: T"}},
          splitChannels<float>, splitChannels<bfloat16>);
}

}  // namespace dpo

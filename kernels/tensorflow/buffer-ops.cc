// Ops that write into their inputs or share them: bias, accumulation, AdamW, views of flat buffers.
//
// TensorFlow takes tensors for immutable, so these are only for buffers their caller owns alone.
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels.h"
#include "operations.h"
#include "pages.h"
#include "threads.h"

namespace dpo {
namespace {

constexpr int64_t kCopyGrain = 262144;

template <class T>
void biasResidual(const Attributes&, OpContext& c) {
  const auto &x = c.input(0), &bias = c.input(1), &residual = c.input(2);
  const int64_t channels = x.shape.last();
  if ((bias.size > 0 && !c.requireSize(1, channels)) ||
      (residual.size > 0 && !c.requireSize(2, x.size))) {
    return;
  }
  if (x.size > 0) {
    kernelsOf<T>().biasResidual(
        {x.as<T>(), bias.orNull(), residual.orNull<T>(), x.size / channels, channels});
  }
  c.setOutput(0, x.tensor);
}

template <class T>
void biasGradInto(const Attributes&, OpContext& c) {
  const auto &dy = c.input(0), &acc = c.input(1);
  const int64_t channels = dy.shape.last();
  if (!c.requireSize(1, channels) || dy.size == 0) return;
  kernelsOf<T>().biasGradInto(dy.as<T>(), acc.floats(), dy.size / channels, channels);
}

template <class T>
void accumulate(const Attributes&, OpContext& c) {
  if (!c.requireSize(1, c.input(0).size)) return;
  kernelsOf<T>().accumulate(c.input(0).as<T>(), c.input(1).floats(), c.input(0).size);
}

/** The decimal that a float setting was written as: 1 − 0.999f is off by 1e-5, 1 − 0.999 is not. */
double asWritten(float setting) { return round(setting * 1e7) / 1e7; }

void adamW(const Attributes&, OpContext& c) {
  const int64_t size = c.input(0).size;
  if (!c.requireSize(1, size) || !c.requireSize(2, size) || !c.requireSize(3, size) ||
      !c.requireSize(4, 8)) {
    return;
  }
  const float* hyper = c.input(4).floats();
  kernels().adamW({c.input(0).floats(), c.input(1).floats(), c.input(2).floats(),
                   c.input(3).floats(), size, hyper[0], asWritten(hyper[1]), asWritten(hyper[2]),
                   hyper[3], hyper[4], hyper[5], hyper[6], hyper[7]});
}

/** A convolution's weight is a batch of matrices, as Adafactor takes them; all but matrices are vectors. */
void adafactor(const Attributes&, OpContext& c) {
  const auto &param = c.input(0), &hyper = c.input(4);
  const int64_t* n = param.shape.dims;
  int64_t rows = 1, columns = param.size, batch = 1;
  if (param.shape.rank == 2) rows = n[0], columns = n[1];
  if (param.shape.rank == 4) rows = n[0], columns = n[1], batch = n[2] * n[3];
  if (!c.requireSize(1, param.size) || !c.requireSize(2, rows * batch) ||
      !c.requireSize(3, columns * batch) || !c.requireSize(4, 8) || param.size == 0) {
    return;
  }
  const float* h = hyper.floats();
  kernels().adafactor({param.floats(), c.input(1).floats(), c.input(2).floats(),
                       c.input(3).floats(), rows, columns, batch, h[0], h[1], h[2], h[3], h[4],
                       h[5], h[7], h[6] != 0});
}

void squaredNorm(const Attributes&, OpContext& c) {
  float* norm = c.output(0, {});
  if (norm) *norm = static_cast<float>(kernels().squaredNorm(c.input(0).floats(), c.input(0).size));
}

void unmap(void* data, size_t bytes, void*) { munmap(data, bytes); }

/**
 * Zeros in memory of their own, 16 · input 0 of them: for buffers that live as long as a model. The system fills
 * them when they are first touched, and has them back at once when they go.
 */
template <class T>
void buffer(const Attributes&, OpContext& c) {
  if (!c.requireSize(0, 1)) return;
  const int64_t length = 16 * int64_t{*static_cast<const int32_t*>(c.input(0).data)};
  if (!c.require(length > 0, "a buffer has at least one element")) return;
  const size_t bytes = length * sizeof(T);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!c.require(data != MAP_FAILED, "the system has no such memory")) return;
  choosePages(data, bytes);
  TF_Tensor* tensor = TF_NewTensor(kDataType<T>, &length, 1, data, bytes, unmap, nullptr);
  if (!c.require(tensor && TF_TensorData(tensor) == data, "the buffer could not be made")) return;
  c.setOutput(0, tensor);
  TF_DeleteTensor(tensor);
}

/** The same memory under another shape. */
template <class T>
void reshape(const Attributes&, OpContext& c) {
  const Shape shape = c.shapeIn(1);
  if (!c.failed() && c.requireSize(0, shape.size())) c.setOutput(0, c.input(0).tensor, shape);
}

void releaseBase(void*, size_t, void* base) { TF_DeleteTensor(static_cast<TF_Tensor*>(base)); }

/** A tensor over part of the buffer; it holds a reference to the buffer. */
template <class T>
void view(const Attributes& a, OpContext& c) {
  const auto& buffer = c.input(0);
  const Shape shape = c.shapeIn(1);
  if (c.failed() || !c.require(a.offset >= 0 && a.offset + shape.size() <= buffer.size,
                 "the view reaches beyond the buffer")) {
    return;
  }
  T* data = buffer.as<T>() + a.offset;
  // TF_NewTensor copies what is not aligned to 64 bytes, and a copy is not a view.
  if (!c.require(reinterpret_cast<uintptr_t>(data) % 64 == 0,
                 "a view must start at a multiple of 16 elements (of 32 in bfloat16)")) {
    return;
  }
  TF_Tensor* base = c.share(0);
  if (!base) return;
  TF_Tensor* tensor = TF_NewTensor(kDataType<T>, shape.dims, shape.rank, data,
                                   shape.size() * sizeof(T), releaseBase, base);
  if (!c.require(tensor && TF_TensorData(tensor) == data, "the view could not be made")) return;
  c.setOutput(0, tensor);
  TF_DeleteTensor(tensor);
}

template <class T>
void write(const Attributes& a, OpContext& c) {
  const auto &data = c.input(0), &buffer = c.input(1);
  if (!c.require(a.offset >= 0 && a.offset + data.size <= buffer.size,
                 "the data reaches beyond the buffer")) {
    return;
  }
  const int parts = partsFor(data.size, kCopyGrain);
  parallel(parts, [&](int part) {
    const Range r = share(data.size, part, parts);
    memmove(buffer.as<T>() + a.offset + r.begin, data.as<T>() + r.begin,
            (r.end - r.begin) * sizeof(T));
  });
}

/** data [A, B, C] into a buffer [C, B, N]: element (a, b, c) to (c, b, offset + a). */
template <class T>
void writeReversed(const Attributes& attributes, OpContext& c) {
  const auto &data = c.input(0), &buffer = c.input(1);
  if (!c.require(data.shape.rank == 3, "the data must have three axes") || data.size == 0) return;
  const int64_t A = data.shape.dims[0], B = data.shape.dims[1], C = data.shape.dims[2];
  const int64_t N = buffer.size / (B * C), first = attributes.offset;
  if (!c.require(N * B * C == buffer.size && first >= 0 && first + A <= N,
                 "the data reaches beyond the buffer")) {
    return;
  }
  const T* from = data.as<T>();
  T* to = buffer.as<T>() + first;
  constexpr int64_t kTile = 16;  // written together: a cache line of floats
  const int parts = partsFor(data.size, kCopyGrain);
  parallel(parts, [&](int part) {
    const Range r = share(B, part, parts);
    for (int64_t tile = 0; tile < A; tile += kTile) {
      const int64_t end = tile + kTile < A ? tile + kTile : A;
      for (int64_t b = r.begin; b < r.end; b++) {
        for (int64_t i = 0; i < C; i++) {
          for (int64_t a = tile; a < end; a++) {
            to[(i * B + b) * N + a] = from[(a * B + b) * C + i];
          }
        }
      }
    }
  });
}

template <class T>
void zero(const Attributes&, OpContext& c) {
  const auto& buffer = c.input(0);
  const int parts = partsFor(buffer.size, kCopyGrain);
  parallel(parts, [&](int part) {
    const Range r = share(buffer.size, part, parts);
    memset(buffer.as<T>() + r.begin, 0, (r.end - r.begin) * sizeof(T));
  });
}

}  // namespace

void addBufferOps(Operations& ops) {
  ops.add({"DpoBiasResidual", {}, {"x: T", "bias: float", "residual: T"}, {"y: T"}},
          biasResidual<float>, biasResidual<bfloat16>);
  ops.add({"DpoBiasGradInto", {}, {"dy: T", "acc: float"}, {}},
          biasGradInto<float>, biasGradInto<bfloat16>);
  ops.add({"DpoAccumulate", {}, {"src: T", "dst: float"}, {}},
          accumulate<float>, accumulate<bfloat16>);
  ops.add({"DpoAdamW",
           {},
           {"param: T", "grad: float", "m: float", "v: float", "hyper: float"},
           {}},
          adamW);
  // hyper: learning rate, beta2, the two epsilons, clip threshold, weight decay, whether to scale by
  // the parameter's RMS, what gradients are multiplied by.
  ops.add({"DpoAdafactor",
           {},
           {"param: T", "grad: float", "row: float", "column: float", "hyper: float"},
           {}},
          adafactor);
  ops.add({"DpoSquaredNorm", {}, {"x: T"}, {"norm: float"}}, squaredNorm);
  ops.add({"DpoBuffer", {}, {"sixteens: int32"}, {"buffer: T"}}, buffer<float>,
          buffer<bfloat16>);
  ops.add({"DpoReshape", {}, {"x: T", "shape: int32"}, {"y: T"}},
          reshape<float>, reshape<bfloat16>);
  ops.add({"DpoView", {"offset: int"}, {"buffer: T", "shape: int32"}, {"view: T"}},
          view<float>, view<bfloat16>);
  ops.add({"DpoWrite", {"offset: int"}, {"data: T", "buffer: T"}, {}},
          write<float>, write<bfloat16>);
  ops.add({"DpoWriteReversed", {"offset: int"}, {"data: T", "buffer: T"}, {}},
          writeReversed<float>, writeReversed<bfloat16>);
  ops.add({"DpoZero", {}, {"buffer: T"}, {}}, zero<float>,
          zero<bfloat16>);
}

}  // namespace dpo

// Convolution, its input's gradient and its weight's, without a copy of the picture: every tap is a
// segment of a product whose rows are the pixels that the tap reads.
#include "matrix-product.h"
#include "table.h"

namespace dpo::DPO_ISA {
namespace {

/** Which pixel of the input each tap of each output pixel reads; outside the picture it is zeros. */
class Taps {
 public:
  Taps(const ConvShape& shape, const float* x, const float* zeros)
      : n_(shape), x_(x), zeros_(zeros) {}

  /** An output pixel, in the order of memory. */
  struct Pixel {
    int64_t sample, row, column;
  };
  Pixel pixel(int64_t index) const {
    const int64_t line = index / n_.outWidth;
    return {line / n_.outHeight, line % n_.outHeight, index % n_.outWidth};
  }
  void advance(Pixel& p) const {
    if (++p.column < n_.outWidth) return;
    p.column = 0;
    if (++p.row < n_.outHeight) return;
    p.row = 0;
    p.sample++;
  }

  const float* source(const Pixel& p, int64_t tap) const {
    int64_t row = p.row * n_.stride + tap / n_.kernelWidth - n_.padTop;
    int64_t column = p.column * n_.stride + tap % n_.kernelWidth - n_.padLeft;
    if (n_.spread > 1) {
      if (row % n_.spread != 0 || column % n_.spread != 0) return zeros_;
      row /= n_.spread;
      column /= n_.spread;
    }
    const bool inside = row >= 0 && row < n_.height && column >= 0 && column < n_.width;
    return inside ? x_ + ((p.sample * n_.height + row) * n_.width + column) * n_.in : zeros_;
  }

 private:
  const ConvShape& n_;
  const float *x_, *zeros_;
};

/** Working memory of `packed` floats followed by a pixel of zeros. */
struct Buffers {
  float *packed, *zeros;
  Buffers(int64_t size, int64_t channels)
      : packed(scratch(Scratch::shared, size + channels)), zeros(packed + size) {
    memset(zeros, 0, channels * sizeof(float));
  }
};

}  // namespace

void convolution(const Convolution& op) {
  const ConvShape& n = op.shape;
  const int64_t K = n.in, taps = n.kernelHeight * n.kernelWidth;
  const Panels panels(n.out);
  const Buffers buffers(taps * panels.size(K), K);
  packInParallel(taps * K, n.out, [&](int64_t first, int64_t rows) {
    for (int64_t end = first + rows; first < end;) {
      const int64_t tap = first / K, from = first % K, count = smallerOf(K - from, end - first);
      float* to = buffers.packed + tap * panels.size(K);
      const float* w = op.w + (op.flipped ? taps - 1 - tap : tap) * K * n.out;
      if (op.flipped) packColumns(w, K, panels, K, from, count, to);
      else packRows(w, n.out, panels, K, from, count, to);
      first += count;
    }
  });
  const Taps source(n, op.x, buffers.zeros);
  const int64_t pixels = n.samples * n.outHeight * n.outWidth;
  const RowProduct product{pixels, taps, K, panels, buffers.packed, op.bias, op.residual, op.y};
  multiply(product, [&](int64_t first, const float** rows) {
    Taps::Pixel pixel = source.pixel(first);
    for (int64_t i = 0; i < kTileRows; i++) {
      for (int64_t tap = 0; tap < taps; tap++) {
        rows[tap * kTileRows + i] = source.source(pixel, tap);
      }
      if (first + i + 1 < pixels) source.advance(pixel);
    }
  });
}

void convolutionWeightGrad(const ConvolutionWeightGrad& op) {
  const ConvShape& n = op.shape;
  const int64_t pixels = n.samples * n.outHeight * n.outWidth;
  const Panels panels(n.out);
  const Buffers buffers(panels.size(pixels), n.in);
  packInParallel(pixels, n.out, [&](int64_t first, int64_t rows) {
    packRows(op.dy, n.out, panels, pixels, first, rows, buffers.packed);
  });
  const Taps source(n, op.x, buffers.zeros);
  const ColumnProduct product{n.in,   n.kernelHeight * n.kernelWidth, pixels, panels,
                              buffers.packed, op.acc};
  multiplyInto(product, [&](int64_t tap, int64_t first, int64_t count, const float** columns) {
    Taps::Pixel pixel = source.pixel(first);
    for (int64_t k = 0; k < count; k++, source.advance(pixel)) {
      columns[k] = source.source(pixel, tap);
    }
  });
}

}  // namespace dpo::DPO_ISA

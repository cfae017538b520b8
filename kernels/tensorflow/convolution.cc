// Convolution, its input's gradient and its weight's, without a copy of the picture: every tap is a
// segment of a product whose rows are the pixels that the tap reads.
#include "winograd.h"

namespace dpo::DPO_ISA {
namespace {

/** Pixels of a picture whose places are taken one by one. */
constexpr int64_t kSmallPicture = 256;

/** Which pixel of the input each tap of each output pixel reads; outside the picture it is zeros. */
template <class T>
class Taps {
 public:
  Taps(const ConvShape& shape, const T* x, const T* zeros) : n_(shape), x_(x), zeros_(zeros) {
    for (int64_t tap = 0; tap < n_.kernelHeight * n_.kernelWidth; tap++) {
      rows_[tap] = tap / n_.kernelWidth - n_.padTop;
      columns_[tap] = tap % n_.kernelWidth - n_.padLeft;
    }
  }

  /** An output pixel. */
  struct Pixel {
    int64_t sample, row, column;
  };
  /** The `index`-th pixel in the order of memory. */
  Pixel inMemory(int64_t index) const {
    const int64_t line = index / n_.outWidth;
    return {line / n_.outHeight, line % n_.outHeight, index % n_.outWidth};
  }
  /**
   * The `index`-th pixel of a product's rows. Of small pictures a place comes with all its samples,
   * so that whole tiles lie beside an edge, where they need not multiply the zeros beyond it
   * (whether an infinite weight meets them is left open, as it is by PyTorch's algorithms).
   */
  Pixel inTiles(int64_t index) const {
    if (n_.samples < kTileRows || n_.outHeight * n_.outWidth > kSmallPicture) return inMemory(index);
    const int64_t place = index / n_.samples;
    return {index % n_.samples, place / n_.outWidth, place % n_.outWidth};
  }
  int64_t indexOf(const Pixel& p) const {
    return (p.sample * n_.outHeight + p.row) * n_.outWidth + p.column;
  }

  const T* source(const Pixel& p, int64_t tap) const {
    int64_t row = p.row * n_.stride + rows_[tap], column = p.column * n_.stride + columns_[tap];
    if (n_.spread > 1) {
      if (row % n_.spread != 0 || column % n_.spread != 0) return zeros_;
      row /= n_.spread;
      column /= n_.spread;
    }
    const bool inside = row >= 0 && row < n_.height && column >= 0 && column < n_.width;
    return inside ? x_ + ((p.sample * n_.height + row) * n_.width + column) * n_.in : zeros_;
  }

  /** Those of `count` pixels from the `first` on, in the order of memory. */
  void sources(int64_t tap, int64_t first, int64_t count, const T** to) const {
    Pixel p = inMemory(first);
    for (int64_t i = 0; i < count; i++) {
      to[i] = source(p, tap);
      if (++p.column < n_.outWidth) continue;
      p.column = 0;
      if (++p.row < n_.outHeight) continue;
      p.row = 0;
      p.sample++;
    }
  }

 private:
  const ConvShape& n_;
  const T *x_, *zeros_;
  int64_t rows_[kMostSegments], columns_[kMostSegments];  // of each tap, from its pixel's
};

/** Working memory of a packed factor of `size` units, followed by a pixel of zeros. */
template <class T, class X>
struct Buffers {
  Unit<T>* packed;
  X* zeros;
  Buffers(int64_t size, int64_t channels) {
    float* memory = scratch(Scratch::shared, size + channels);
    packed = reinterpret_cast<Unit<T>*>(memory);
    zeros = reinterpret_cast<X*>(memory + size);
    memset(zeros, 0, channels * sizeof(X));
  }
};

}  // namespace

template <class T>
void convolution(const Convolution<T>& op) {
  const ConvShape& n = op.shape;
  const int64_t K = n.in, taps = n.kernelHeight * n.kernelWidth, units = unitsOf<T>(K);
  const int64_t pixels = n.samples * n.outHeight * n.outWidth;
  if constexpr (kHasWinograd<T>) {
    if (winogradPays(n) && winograd(op)) return;
  }
  const Left<T>* x = leftFactor(op.x, n.samples * n.height * n.width * K);
  inStrips(pixels, taps * K, n.out, [&](Range columns, int threads) {
    const int64_t column = columns.begin;
    const Panels panels(columns.end - column);
    const Buffers<T, Left<T>> buffers(taps * panels.size(units), K);
    packTaps(op, panels, column, threads, buffers.packed);
    const Taps<Left<T>> source(n, x, buffers.zeros);
    const RowProduct<T> product{pixels,
                                taps,
                                K,
                                panels,
                                buffers.packed,
                                op.bias ? op.bias + column : nullptr,
                                op.residual ? op.residual + column : nullptr,
                                op.y + column,
                                n.out};
    multiply(product, threads, [&](int64_t first, TileRows<T>& tile) {
      typename Taps<Left<T>>::Pixel pixel[kTileRows];
      for (int64_t i = 0; i < kTileRows; i++) {
        pixel[i] = source.inTiles(smallerOf(first + i, pixels - 1));
        tile.target[i] = source.indexOf(pixel[i]);
      }
      tile.segments = 0;
      for (int64_t tap = 0; tap < taps; tap++) {
        bool inside = false;
        for (int64_t i = 0; i < kTileRows; i++) {
          tile.rows[tile.segments][i] = source.source(pixel[i], tap);
          inside |= tile.rows[tile.segments][i] != buffers.zeros;
        }
        tile.segment[tile.segments] = tap;
        tile.segments += inside;
      }
    });
  });
}

template <class T>
void convolutionWeightGrad(const ConvolutionWeightGrad<T>& op) {
  const ConvShape& n = op.shape;
  const int64_t pixels = n.samples * n.outHeight * n.outWidth, units = unitsOf<T>(pixels);
  if constexpr (kHasWinograd<T>) {
    if (winogradPays(n) && winogradWeightGrad(op)) return;
  }
  const Panels panels(n.out);
  const Buffers<T, T> buffers(panels.size(units), n.in);
  bool finite = true;  // else zeros are multiplied too: 0 · ∞ is NaN
  packInParallel(units, n.out, threadCount(), [&](int64_t first, int64_t count) {
    packRows<T>(op.dy, n.out, panels, pixels, first, count, buffers.packed);
    const int64_t from = first * kPerUnit<T>, end = smallerOf(from + count * kPerUnit<T>, pixels);
    if (!allFinite(op.dy + from * n.out, (end - from) * n.out)) {
      __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
    }
  });
  const Taps<T> source(n, op.x, buffers.zeros);
  const ColumnProduct<T> product{n.in,   n.kernelHeight * n.kernelWidth, pixels, panels,
                                 buffers.packed, 0, finite ? buffers.zeros : nullptr, op.acc};
  multiplyInto(product, [&](int64_t tap, int64_t first, int64_t count, const T** columns) {
    source.sources(tap, first, count, columns);
  });
}

template void convolution(const Convolution<float>&);
template void convolution(const Convolution<bfloat16>&);
template void convolutionWeightGrad(const ConvolutionWeightGrad<float>&);
template void convolutionWeightGrad(const ConvolutionWeightGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

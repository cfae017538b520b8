// Tiles of a 3 × 3 convolution, and what Winograd's filtering makes of them (winograd.h).
#pragma once

#include "simd.h"

namespace dpo::DPO_ISA {

/** Elements of a transformed tile: 4 × 4. */
constexpr int kElements = 16;

/** body(v, stride) for rows of 4, then columns: v[0], v[stride], v[2·stride], v[3·stride]. */
template <class Body>
DPO_INLINE void alongBoth(Vec (&m)[kElements], Body body) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) body(m + i, 4);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) body(m + 4 * i, 1);
}

/** Bᵀ d B. */
DPO_INLINE void transformInput(Vec (&d)[kElements]) {
  alongBoth(d, [](Vec* v, int n) DPO_INLINE_LAMBDA {
    const Vec a = v[0] - v[2 * n], b = v[n] + v[2 * n], c = v[2 * n] - v[n], e = v[n] - v[3 * n];
    v[0] = a, v[n] = b, v[2 * n] = c, v[3 * n] = e;
  });
}

/** G g Gᵀ, in place of g in the first 3 × 3. */
DPO_INLINE void transformFilter(Vec (&g)[kElements]) {
  alongBoth(g, [](Vec* v, int n) DPO_INLINE_LAMBDA {
    const Vec even = 0.5f * (v[0] + v[2 * n]), odd = 0.5f * v[n];
    v[3 * n] = v[2 * n], v[n] = even + odd, v[2 * n] = even - odd;
  });
}

/** Aᵀ m A, in the first 2 × 2. */
DPO_INLINE void transformOutput(Vec (&m)[kElements]) {
  alongBoth(m, [](Vec* v, int n) DPO_INLINE_LAMBDA {
    v[0] = v[0] + v[n] + v[2 * n], v[n] = v[n] - v[2 * n] - v[3 * n];
  });
}

/** A y Aᵀ of the first 2 × 2: what transformOutput passes back. */
DPO_INLINE void passOutputBack(Vec (&y)[kElements]) {
  alongBoth(y, [](Vec* v, int n) DPO_INLINE_LAMBDA {
    const Vec first = v[0], second = v[n];
    v[n] = first + second, v[2 * n] = first - second, v[3 * n] = -second;
  });
}

/** Gᵀ u G, in the first 3 × 3: what transformFilter passes back. */
DPO_INLINE void passFilterBack(Vec (&u)[kElements]) {
  alongBoth(u, [](Vec* v, int n) DPO_INLINE_LAMBDA {
    const Vec even = 0.5f * (v[n] + v[2 * n]), odd = 0.5f * (v[n] - v[2 * n]);
    v[0] = v[0] + even, v[n] = odd, v[2 * n] = even + v[3 * n];
  });
}

/** The tiles of a convolution's result, each 2 × 2 pixels. */
class Tiles {
 public:
  explicit Tiles(const ConvShape& shape)
      : n_(shape), rows_((shape.outHeight + 1) / 2), columns_((shape.outWidth + 1) / 2) {}

  int64_t count() const { return n_.samples * rows_ * columns_; }

  struct Place {
    int64_t sample, row, column;  // of the first pixel of the result
  };
  Place at(int64_t tile) const {
    const int64_t line = tile / columns_;
    return {line / rows_, line % rows_ * 2, tile % columns_ * 2};
  }

  /** Where the 4 × 4 pixels begin that a tile reads of x; `zeros` stands for those outside. */
  template <class T>
  void inputs(const Place& p, const T* x, const T* zeros, const T* (&to)[kElements]) const {
    for (int i = 0; i < kElements; i++) {
      const int64_t row = p.row - n_.padTop + i / 4, column = p.column - n_.padLeft + i % 4;
      const bool inside = row >= 0 && row < n_.height && column >= 0 && column < n_.width;
      to[i] = inside ? x + ((p.sample * n_.height + row) * n_.width + column) * n_.in : zeros;
    }
  }

  /** The index of the tile's pixel (row, column) in the result, or −1 beyond its edge. */
  int64_t output(const Place& p, int row, int column) const {
    if (p.row + row >= n_.outHeight || p.column + column >= n_.outWidth) return -1;
    return (p.sample * n_.outHeight + p.row + row) * n_.outWidth + p.column + column;
  }

 private:
  const ConvShape& n_;
  int64_t rows_, columns_;
};

/** Transforms `count` tiles from the `first` on: to[element][tile][channel], an element every `fromElement`. */
template <class T>
void transformTiles(const Tiles& tiles, const T* x, int64_t channels, const T* zeros, int64_t first,
                    int64_t count, int64_t fromElement, float* to) {
  for (int64_t t = 0; t < count; t++) {
    const T* pixels[kElements];
    tiles.inputs(tiles.at(first + t), x, zeros, pixels);
    forLanes(channels, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
      Vec d[kElements];
#pragma GCC unroll 16
      for (int i = 0; i < kElements; i++) d[i] = load(pixels[i] + c, lanes);
      transformInput(d);
#pragma GCC unroll 16
      for (int i = 0; i < kElements; i++) store(to + i * fromElement + t * channels + c, d[i], lanes);
    });
  }
}

}  // namespace dpo::DPO_ISA

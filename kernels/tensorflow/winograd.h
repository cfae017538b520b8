// 3 × 3 convolutions by Winograd's minimal filtering, F(2 × 2, 3 × 3): a tile of 2 × 2 outputs takes
// 16 multiplications for each pair of channels, where its 9 taps take 36 (Lavin and Gray, Fast
// Algorithms for Convolutional Neural Networks, 2015, §4). Of tiles d of 4 × 4 inputs and filters g,
//
//   y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A,
//
// whose sums over channels are 16 matrix products. The transforms add and halve, so that a result is
// about as exact as a direct one: tests hold both to the same bounds.
#pragma once

#include "packed-taps.h"
#include "table.h"
#include "tiles.h"

namespace dpo::DPO_ISA {

/** Whether T is multiplied as floats. In pairs of bfloat16, transformed numbers would be rounded once more. */
template <class T>
constexpr bool kHasWinograd = kPerUnit<T> == 1;

/** Pixels from which transforming the weight pays. */
constexpr int64_t kWinogradPixels = 256;
/** Channels from which transforming pictures pays. */
constexpr int64_t kWinogradChannels = 32;

/** Whether this way is the faster one (measured on two Zen 4 cores, with AVX2 and with AVX-512). */
inline bool winogradPays(const ConvShape& n) {
  const bool fits = n.kernelHeight == 3 && n.kernelWidth == 3 && n.stride == 1 && n.spread == 1;
  return fits && smallerOf(n.outHeight, n.outWidth) >= 4 && smallerOf(n.in, n.out) >= kWinogradChannels &&
         n.samples * n.outHeight * n.outWidth >= kWinogradPixels;
}

/** Most tiles that a thread transforms before it multiplies them: their sums stay in the second cache. */
constexpr int64_t kMostTiles = (64 + kTileRows - 1) / kTileRows * kTileRows;

/** The filters as the right factors of 16 products: filter[element], packed. A panel's taps stay in the cache. */
template <class T>
void packFilters(const Convolution<T>& op, const Panels& panels, float* filter) {
  const int64_t K = op.shape.in, size = panels.size(K);
  parallel(static_cast<int>(panels.count), [&](int p) {
    const Panel panel(panels, p, K);
    const Panels alone(panel.columns);
    const int64_t tapSize = alone.size(K);
    float *taps = scratch(Scratch::part, 9 * tapSize), *to = filter + panel.offset;
    packTaps(op, alone, panel.firstColumn, 1, taps);
    for (int64_t i = 0; i < tapSize; i += kLanes) {
      Vec g[kElements] = {};
#pragma GCC unroll 9
      for (int tap = 0; tap < 9; tap++) g[tap / 3 * 4 + tap % 3] = load(taps + tap * tapSize + i);
      transformFilter(g);
#pragma GCC unroll 16
      for (int e = 0; e < kElements; e++) store(to + e * size + i, g[e]);
    }
  });
}

/** Transformed tiles of a thread: element e of tile t begins at data[(e·most + t)·channels]. */
struct TransformedTiles {
  const float* data;
  int64_t first, count, most, channels;
};

/** sums[element][tile][width] of one panel: the 16 products. */
inline void multiplyTiles(const TransformedTiles& tiles, const float* filter, int64_t size,
                          const Panel& panel, float* sums) {
  const int64_t width = panel.vectors * kLanes, K = tiles.channels;
  for (int e = 0; e < kElements; e++) {
    for (int64_t t = 0; t < tiles.count; t += kTileRows) {
      TileRows<float> rows;
      rows.segments = 1;
      rows.segment[0] = 0;
      for (int64_t i = 0; i < kTileRows; i++) {
        rows.target[i] = i;
        rows.rows[0][i] = tiles.data + (e * tiles.most + smallerOf(t + i, tiles.count - 1)) * K;
      }
      const Target<float> c{sums + (e * tiles.most + t) * width, width,
                            smallerOf(kTileRows, tiles.count - t), width};
      withVectors(panel.vectors, [&](auto vectors) {
        rowTile<decltype(vectors)::value>(rows, K, filter + e * size + panel.offset, 0,
                                          Epilogue<float>{nullptr, nullptr}, c);
      });
    }
  }
}

/** Writes a panel of the result from those sums. Returns whether all of it is finite. */
template <class T>
bool writeTiles(const Convolution<T>& op, const Tiles& tiles, const TransformedTiles& made,
                const Panel& panel, const float* sums) {
  const int64_t width = panel.vectors * kLanes, C = op.shape.out;
  Vec bad = {};
  for (int64_t t = 0; t < made.count; t++) {
    const Tiles::Place place = tiles.at(made.first + t);
    forLanes(panel.columns, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
      Vec m[kElements];
#pragma GCC unroll 16
      for (int e = 0; e < kElements; e++) m[e] = load(sums + (e * made.most + t) * width + c, lanes);
      transformOutput(m);
      const int64_t column = panel.firstColumn + c;
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        const int64_t pixel = tiles.output(place, i / 2, i % 2);
        if (pixel < 0) continue;
        Vec v = m[i / 2 * 4 + i % 2];
        if (op.bias) v += roundedTo<T>(load(op.bias + column, lanes));
        if (op.residual) v += load(op.residual + pixel * C + column, lanes);
        bad += v * 0.0f;
        store(op.y + pixel * C + column, v, lanes);
      }
    });
  }
  return sum(bad) == 0;
}

/** y as `convolution` has it. Returns whether all of it is finite: an infinity comes out as NaN here. */
template <class T>
bool winograd(const Convolution<T>& op) {
  const Tiles tiles(op.shape);
  const int64_t K = op.shape.in, count = tiles.count();
  const int threads = threadCount();
  const Panels panels(op.shape.out);
  const int64_t size = panels.size(K);
  float* filter = scratch(Scratch::shared, kElements * size + K);
  float* zeros = filter + kElements * size;
  memset(zeros, 0, K * sizeof(float));
  packFilters(op, panels, filter);

  // A large filter is better read seldom than shared out evenly.
  const int64_t wanted = kElements * size > kFarNumbers ? threads : kPartsPerThread * threads;
  const int64_t each = (count + wanted - 1) / wanted;
  const int64_t most = smallerOf((each + kTileRows - 1) / kTileRows * kTileRows, kMostTiles);
  const int64_t chunks = (count + most - 1) / most;
  bool finite = true;
  const auto compute = [&](int64_t chunk) {
    const int64_t first = chunk * most, here = smallerOf(most, count - first);
    float* input = scratch(Scratch::part, kElements * most * (K + kTileVectors * kLanes));
    float* sums = input + kElements * most * K;
    transformTiles(tiles, op.x, K, reinterpret_cast<const T*>(zeros), first, here, most * K, input);
    const TransformedTiles made{input, first, here, most, K};
    for (int64_t p = 0; p < panels.count; p++) {
      const Panel panel(panels, p, K);
      multiplyTiles(made, filter, size, panel, sums);
      if (!writeTiles(op, tiles, made, panel, sums)) {
        __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
      }
    }
  };
  const int parts = static_cast<int>(smallerOf(chunks, kMostParts));
  parallel(parts, [&](int part) {
    const Range range = share(chunks, part, parts);
    for (int64_t chunk = range.begin; chunk < range.end; chunk++) compute(chunk);
  });
  return finite;
}

/** Tiles whose transforms are in memory together. */
constexpr int64_t kGradTiles = 256;

/** The gradients of `count` tiles' outputs from the `first` on, A dy Aᵀ, as right factors of 16 products. */
template <class T>
void transformGradients(const Tiles& tiles, const T* dy, const T* zeros, const Panels& panels,
                        int64_t begin, int64_t depth, int64_t first, int64_t count, float* right) {
  const int64_t size = panels.size(depth);
  for (int64_t t = first; t < first + count; t++) {
    const Tiles::Place place = tiles.at(begin + t);
    const T* pixels[4];
    for (int i = 0; i < 4; i++) {
      const int64_t pixel = tiles.output(place, i / 2, i % 2);
      pixels[i] = pixel < 0 ? zeros : dy + pixel * panels.columns;
    }
    for (int64_t p = 0; p < panels.count; p++) {
      const Panel panel(panels, p, depth);
      float* to = right + panel.offset + t * panel.vectors * kLanes;
      forLanes(panel.columns, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
        Vec y[kElements] = {};
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
          y[i / 2 * 4 + i % 2] = load(pixels[i] + panel.firstColumn + c, lanes);
        }
        passOutputBack(y);
#pragma GCC unroll 16
        for (int e = 0; e < kElements; e++) store(to + e * size + c, y[e]);
      });
    }
  }
}

/** Gᵀ u G of u[element][weights], in place as [tap][weights]. Returns whether all of it is finite. */
inline bool passFiltersBack(float* u, int64_t weights, int64_t first, int64_t count) {
  Vec bad = {};
  forLanes(count, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
    float* at = u + first + i;
    Vec g[kElements];
#pragma GCC unroll 16
    for (int e = 0; e < kElements; e++) g[e] = load(at + e * weights, lanes);
    passFilterBack(g);
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; tap++) {
      const Vec v = g[tap / 3 * 4 + tap % 3];
      bad += v * 0.0f;
      store(at + tap * weights, v, lanes);
    }
  });
  return sum(bad) == 0;
}

/**
 * acc as `convolutionWeightGrad` has it: += Gᵀ[Σ over tiles of (Bᵀ d B)ᵀ·(A dy Aᵀ)]G. Returns whether
 * all that is added is finite; else acc is left as it was.
 */
template <class T>
bool winogradWeightGrad(const ConvolutionWeightGrad<T>& op) {
  const ConvShape& n = op.shape;
  const Tiles tiles(n);
  const Panels panels(n.out);
  const int64_t count = tiles.count(), block = smallerOf(count, kGradTiles), weights = n.in * n.out;
  const int64_t leftSize = kElements * block * n.in, rightSize = kElements * panels.size(block);
  const int64_t pixel = largerOf(n.in, n.out);
  const int threads = threadCount();
  float* sums = scratch(Scratch::shared, kElements * weights + leftSize + rightSize + pixel);
  float *left = sums + kElements * weights, *right = left + leftSize, *zeros = right + rightSize;
  memset(zeros, 0, pixel * sizeof(float));
  const T* outside = reinterpret_cast<const T*>(zeros);
  packInParallel(kElements * n.in, n.out, threads, [&](int64_t first, int64_t rows) {
    memset(sums + first * n.out, 0, rows * n.out * sizeof(float));
  });

  for (int64_t begin = 0; begin < count; begin += block) {
    const int64_t here = smallerOf(block, count - begin);
    packInParallel(here, kElements * (n.in + n.out), threads, [&](int64_t first, int64_t some) {
      transformTiles(tiles, op.x, n.in, outside, begin + first, some, here * n.in, left + first * n.in);
      transformGradients(tiles, op.dy, outside, panels, begin, here, first, some, right);
    });
    const ColumnProduct<float> product{n.in, kElements, here, panels, right, panels.size(here), nullptr, sums};
    multiplyInto(product, [&](int64_t element, int64_t first, int64_t some, const float** columns) {
      for (int64_t i = 0; i < some; i++) columns[i] = left + (element * here + first + i) * n.in;
    });
  }

  bool finite = true;
  packInParallel(n.in, kElements * n.out, threads, [&](int64_t first, int64_t rows) {
    if (!passFiltersBack(sums, weights, first * n.out, rows * n.out)) {
      __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
    }
  });
  if (finite) accumulate(sums, op.acc, 9 * weights);
  return finite;
}

}  // namespace dpo::DPO_ISA

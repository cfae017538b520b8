// Products of a packed right factor with a left factor reached through pointers, on all threads.
//
// Every element of a result is one sum in a fixed order, whichever thread computes it: same inputs,
// same bits, for any number of threads.
#pragma once

#include "product-tile.h"

namespace dpo::DPO_ISA {

/** Multiplications for which waking another thread pays. */
constexpr int64_t kProductGrain = 32768;
/** Numbers to pack for which waking another thread pays. */
constexpr int64_t kPackGrain = 16384;
/** Tiles of rows that one part computes for all panels while their rows are in the cache. */
constexpr int64_t kChunkTiles = 8;
/** Parts for each thread, so that all end at about the same time. */
constexpr int64_t kPartsPerThread = 4;
/** Parts of one product at most. */
constexpr int64_t kMostParts = 4096;
/** Tiles' rows or panels that a part of a gradient has at least, for one reading of the other factor. */
constexpr int64_t kPartStrips = 4;
/** Sums that stay in the second cache beside the factors. */
constexpr int64_t kNearNumbers = 65536;
/** A right factor of so many numbers, and rows of the left one beside which packing it costs. */
constexpr int64_t kFarNumbers = 1 << 20, kFewRows = 2048;
/** Units of the right factor that stay in the first cache while a gradient's tiles go by. */
constexpr int64_t kDepthBlock = 128;

/** pack(first, count) for all `units` of a factor of `columns` columns, on so many threads at most. */
template <class Pack>
void packInParallel(int64_t units, int64_t columns, int threads, Pack pack) {
  const int parts = static_cast<int>(smallerOf(threads, partsFor(units * columns, kPackGrain)));
  parallel(parts, [&](int part) {
    const Range range = share(units, part, parts);
    if (range.begin < range.end) pack(range.begin, range.end - range.begin);
  });
}

/** body(pointer) with the weight as what it is. */
template <class Body>
void withWeight(const Weight& w, Body body) {
  if (w.bfloats) body(w.bfloats);
  else body(w.floats);
}

/** `size` numbers as rows of a left factor: themselves, or a copy that is valid until the next call. */
template <class T>
const Left<T>* leftFactor(const T* x, int64_t size) {
  if constexpr (sizeof(Left<T>) == sizeof(T)) {
    return x;
  } else {
    float* copy = scratch(Scratch::factor, size);
    packInParallel(size, 1, threadCount(), [&](int64_t first, int64_t count) {
      forLanes(count, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
        store(copy + first + i, load(x + first + i, lanes), lanes);
      });
    });
    return copy;
  }
}

/** y[rows, columns] = Σ over segments of left·right + bias + residual, `right` being packed. */
template <class T>
struct RowProduct {
  int64_t rows, segments, depth;
  const Panels& panels;
  const Unit<T>* right;  // segments matrices [depth, columns], one after the other
  const float* bias;
  const T* residual;
  T* y;
  int64_t stride;  // from one row of y and of the residual to the next
};

/**
 * compute(columns, threads) for all columns of a product. Few rows by a large right factor are taken in strips of
 * columns, each packed by the thread that multiplies it: packed as a whole, it would go out to memory and come back.
 */
template <class Compute>
void inStrips(int64_t rows, int64_t depth, int64_t columns, const Compute& compute) {
  const int threads = threadCount();
  const int64_t panels = Panels(columns).count;
  if (rows > kFewRows || depth * columns < kFarNumbers || panels < kPartsPerThread * threads) {
    return compute(Range{0, columns}, threads);
  }
  constexpr int64_t kWidth = kTileVectors * kLanes;
  const int64_t near = largerOf(1, kNearNumbers / (depth * kWidth));
  const int parts = static_cast<int>(largerOf(kPartsPerThread * threads, panels / near));
  parallel(parts, [&](int part) {
    const Range range = share(panels, part, parts);
    const Range strip = {range.begin * kWidth, smallerOf(range.end * kWidth, columns)};
    if (strip.begin < strip.end) compute(strip, 1);
  });
}

/** point(first, tile) tells of the kTileRows rows from `first` on what a tile must know. */
template <class T, class Point>
void multiply(const RowProduct<T>& op, int mostThreads, Point point) {
  const int64_t C = op.panels.columns, units = unitsOf<T>(op.depth);
  const int64_t tiles = (op.rows + kTileRows - 1) / kTileRows;
  const int64_t work = op.rows * op.segments * op.depth * C;
  const int threads = static_cast<int>(smallerOf(mostThreads, partsFor(work, kProductGrain)));
  // Few chunks of rows would leave a thread without work at the end: each is several stretches of panels.
  const int64_t chunks = smallerOf((tiles + kChunkTiles - 1) / kChunkTiles, kMostParts);
  const int64_t stretches = smallerOf(op.panels.count, (kPartsPerThread * threads - 1) / chunks + 1);
  const auto product = [&](Range range, Range panels) {
    TileRows<T> chunk[kChunkTiles];
    for (int64_t begin = range.begin; begin < range.end; begin += kChunkTiles) {
      const int64_t end = smallerOf(begin + kChunkTiles, range.end);
      for (int64_t t = begin; t < end; t++) point(t * kTileRows, chunk[t - begin]);
      for (int64_t p = panels.begin; p < panels.end; p++) {
        const Panel panel(op.panels, p, units);
        const Epilogue<T> add{op.bias ? op.bias + panel.firstColumn : nullptr,
                              op.residual ? op.residual + panel.firstColumn : nullptr};
        for (int64_t t = begin; t < end; t++) {
          const Target<T> c{op.y + panel.firstColumn, op.stride,
                            smallerOf(op.rows - t * kTileRows, kTileRows), panel.columns};
          withVectors(panel.vectors, [&](auto vectors) {
            rowTile<decltype(vectors)::value>(chunk[t - begin], op.depth, op.right + panel.offset,
                                              op.panels.size(units), add, c);
          });
        }
      }
    }
  };
  const auto part = [&](int index) {
    const int64_t chunk = index / stretches, stretch = index % stretches;
    product(share(tiles, static_cast<int>(chunk), static_cast<int>(chunks)),
            share(op.panels.count, static_cast<int>(stretch), static_cast<int>(stretches)));
  };
  const int parts = static_cast<int>(chunks * stretches);
  if (threads > 1) {
    parallel(parts, part);
  } else {
    for (int index = 0; index < parts; index++) part(index);
  }
}

/** acc[segments, rows, columns] += leftᵀ·right, `right` being packed [depth, columns], a segment every `segmentSize`. */
template <class T>
struct ColumnProduct {
  int64_t rows, segments, depth;
  const Panels& panels;
  const Unit<T>* right;
  int64_t segmentSize;  // 0: all have the same
  const T* zeros;       // a column of the left factor that holds nothing else; null: there is none
  float* acc;
};

/** Drops units of zeros from `columns`, writes which are left, and returns the numbers that are. */
template <class T>
int64_t dropZeros(const T** columns, int64_t count, const T* zeros, int64_t* left) {
  constexpr int64_t P = kPerUnit<T>;
  int64_t kept = 0;
  for (int64_t k = 0; k < count; k += P) {
    const int64_t numbers = smallerOf(P, count - k);
    if (columns[k] == zeros && columns[k + numbers - 1] == zeros) continue;
    left[kept / P] = k / P;
    for (int64_t i = 0; i < numbers; i++) columns[kept++] = columns[k + i];
  }
  return kept;
}

/** Columns `begin` … `end`−1 of `count` rows reached through pointers, as units [·, width]. */
template <class T>
void packLeft(const T* const* rows, int64_t count, int64_t begin, int64_t end, Unit<T>* to,
              int64_t width) {
  constexpr int64_t P = kPerUnit<T>;
  for (int64_t k = 0; k < count; k += P, to += width) {
    const T* row = rows[k] + begin;
    const T* next = P == 2 && k + 1 < count ? rows[k + 1] + begin : nullptr;
    forLanes(end - begin, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
      store(to + i, loadUnits<T>(row + i, next ? next + i : next, lanes));
    });
  }
}

/** point(segment, first, count, pointers) writes where `count` columns from `first` on begin. */
template <class T, class Point>
void multiplyInto(const ColumnProduct<T>& op, Point point) {
  constexpr int64_t kBlock = kDepthBlock * kPerUnit<T>;
  const int64_t C = op.panels.columns, units = unitsOf<T>(op.depth);
  const int64_t tiles = (op.rows + kTileRows - 1) / kTileRows, jobs = op.segments * tiles;
  const int threads = partsFor(op.rows * op.segments * op.depth * C, kProductGrain);
  // Parts divide the longer side, so that each reads the other factor for as many sums as can be.
  const bool byPanel = op.segments * op.rows < C;
  const int64_t strips = byPanel ? op.panels.count : jobs;
  const int parts = threads == 1 ? 1 : static_cast<int>(smallerOf(
      strips, largerOf(threads, smallerOf(strips / kPartStrips, kPartsPerThread * threads))));
  const auto body = [&](int part) {
    const Range strip = share(strips, part, parts), all = {0, byPanel ? jobs : op.panels.count};
    const Range range = byPanel ? all : strip, panels = byPanel ? strip : all;
    // Rows whose sums stay in the second cache while all of depth goes by.
    const int64_t rowNumbers = (panels.end - panels.begin) * kTileRows * kTileVectors * kLanes;
    const int64_t blockTiles = smallerOf(tiles, largerOf(kChunkTiles, kNearNumbers / rowNumbers));
    const int64_t most = blockTiles * kTileRows + kLanes;
    auto* left = reinterpret_cast<Unit<T>*>(scratch(Scratch::part, kDepthBlock * most));
    const T* pointers[kBlock];
    int64_t kept[kDepthBlock];
    for (int64_t job = range.begin, end; job < range.end; job = end) {
      const int64_t segment = job / tiles;
      end = smallerOf(smallerOf((segment + 1) * tiles, range.end), job + blockTiles);
      const int64_t firstRow = (job - segment * tiles) * kTileRows;
      const int64_t endRow = smallerOf((end - segment * tiles) * kTileRows, op.rows);
      const int64_t width = (endRow - firstRow + kLanes - 1) / kLanes * kLanes;
      for (int64_t k = 0; k < op.depth; k += kBlock) {
        point(segment, k, smallerOf(kBlock, op.depth - k), pointers);
        const int64_t count = dropZeros(pointers, smallerOf(kBlock, op.depth - k), op.zeros, kept);
        const Depth depth{unitsOf<T>(count), kept};
        packLeft(pointers, count, firstRow, endRow, left, width);
        for (int64_t p = panels.begin; p < panels.end; p++) {
          const Panel panel(op.panels, p, units);
          const Unit<T>* right = op.right + segment * op.segmentSize + panel.offset +
                                 k / kPerUnit<T> * panel.vectors * kLanes;
          withVectors(panel.vectors, [&](auto vectors) {
            for (int64_t row = firstRow; row < endRow; row += kTileRows) {
              const Target<float> c{op.acc + (segment * op.rows + row) * C + panel.firstColumn, C,
                                    smallerOf(kTileRows, endRow - row), panel.columns};
              columnTileOf<decltype(vectors)::value, T>(left + row - firstRow, width, depth, right,
                                                        c);
            }
          });
        }
      }
    }
  };
  parallel(parts, body);
}

}  // namespace dpo::DPO_ISA

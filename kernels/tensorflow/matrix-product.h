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
/** Rows of the right factor that stay in the first cache while a gradient's tiles go by. */
constexpr int64_t kDepthBlock = 128;
/** Most pointer groups of a product: a 3 × 3 convolution's taps. */
constexpr int64_t kMostSegments = 9;

/** pack(first, rows) for all `depth` rows of a factor of `columns` columns, in parallel. */
template <class Pack>
void packInParallel(int64_t depth, int64_t columns, Pack pack) {
  const int parts = partsFor(depth * columns, kPackGrain);
  parallel(parts, [&](int part) {
    const Range rows = share(depth, part, parts);
    if (rows.begin < rows.end) pack(rows.begin, rows.end - rows.begin);
  });
}

/** y[rows, columns] = Σ over segments of left·right + bias + residual, `right` being packed. */
struct RowProduct {
  int64_t rows, segments, depth;
  const Panels& panels;
  const float* right;  // segments matrices [depth, columns], one after the other
  const float *bias, *residual;
  float* y;
};

/** point(first, pointers) writes, segment by segment, where kTileRows rows from `first` on begin. */
template <class Point>
void multiply(const RowProduct& op, Point point) {
  const int64_t C = op.panels.columns, segmentSize = op.panels.size(op.depth);
  const int64_t tiles = (op.rows + kTileRows - 1) / kTileRows;
  const int threads = partsFor(op.rows * op.segments * op.depth * C, kProductGrain);
  // Few rows: each part takes all of them and one panel.
  const bool byPanel = tiles < 2 * threads;
  const int64_t chunks = byPanel ? 1 : smallerOf((tiles + kChunkTiles - 1) / kChunkTiles, 4096);
  const int64_t stretches = byPanel ? op.panels.count : 1;
  const auto chunkOfTiles = [&](Range range, int64_t firstPanel, int64_t endPanel) {
    const float* pointers[kChunkTiles * kMostSegments * kTileRows];
    const int64_t group = op.segments * kTileRows;
    for (int64_t begin = range.begin; begin < range.end; begin += kChunkTiles) {
      const int64_t end = smallerOf(begin + kChunkTiles, range.end);
      for (int64_t t = begin; t < end; t++) point(t * kTileRows, pointers + (t - begin) * group);
      for (int64_t p = firstPanel; p < endPanel; p++) {
        const Panel panel(op.panels, p, op.depth);
        for (int64_t t = begin; t < end; t++) {
          const int64_t at = t * kTileRows * C + panel.firstColumn;
          const Epilogue add{op.bias ? op.bias + panel.firstColumn : nullptr,
                             op.residual ? op.residual + at : nullptr};
          const Target c{op.y + at, C, smallerOf(op.rows - t * kTileRows, kTileRows),
                         panel.columns};
          withVectors(panel.vectors, [&](auto vectors) {
            rowTile<decltype(vectors)::value>(pointers + (t - begin) * group, op.segments,
                                              op.depth, op.right + panel.offset, segmentSize, add,
                                              c);
          });
        }
      }
    }
  };
  const auto part = [&](int index) {
    const int64_t chunk = index / stretches, stretch = index % stretches;
    const Range range = share(tiles, static_cast<int>(chunk), static_cast<int>(chunks));
    if (byPanel) chunkOfTiles(range, stretch, stretch + 1);
    else chunkOfTiles(range, 0, op.panels.count);
  };
  const int parts = static_cast<int>(chunks * stretches);
  if (threads > 1) {
    parallel(parts, part);
  } else {
    for (int index = 0; index < parts; index++) part(index);
  }
}

/** acc[segments, rows, columns] += leftᵀ·right, `right` being packed [depth, columns]. */
struct ColumnProduct {
  int64_t rows, segments, depth;
  const Panels& panels;
  const float* right;
  float* acc;
};

/** point(segment, first, count, pointers) writes where `count` columns from `first` on begin. */
template <class Point>
void multiplyInto(const ColumnProduct& op, Point point) {
  const int64_t C = op.panels.columns;
  const int64_t tiles = (op.rows + kTileRows - 1) / kTileRows, units = op.segments * tiles;
  const int threads = partsFor(op.rows * op.segments * op.depth * C, kProductGrain);
  const int parts = threads > 1 ? static_cast<int>(smallerOf(units, 4 * threads)) : 1;
  const auto body = [&](int part) {
    const Range range = share(units, part, parts);
    const float* pointers[kDepthBlock];
    for (int64_t k = 0; k < op.depth; k += kDepthBlock) {
      const int64_t count = smallerOf(kDepthBlock, op.depth - k);
      for (int64_t unit = range.begin; unit < range.end;) {
        const int64_t segment = unit / tiles, end = smallerOf((segment + 1) * tiles, range.end);
        point(segment, k, count, pointers);
        for (int64_t p = 0; p < op.panels.count; p++) {
          const Panel panel(op.panels, p, op.depth);
          const float* right = op.right + panel.offset + k * panel.vectors * kLanes;
          withVectors(panel.vectors, [&](auto vectors) {
            for (int64_t u = unit; u < end; u++) {
              const int64_t row = (u - segment * tiles) * kTileRows;
              const Target c{op.acc + (segment * op.rows + row) * C + panel.firstColumn, C,
                             smallerOf(kTileRows, op.rows - row), panel.columns};
              columnTiles<decltype(vectors)::value>(pointers, row, count, right, c);
            }
          });
        }
        unit = end;
      }
    }
  };
  parallel(parts, body);
}

}  // namespace dpo::DPO_ISA

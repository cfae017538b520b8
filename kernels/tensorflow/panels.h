// The right factor of a matrix product, packed: strips of a few vectors' width, each [depth, width].
//
// A product's inner loop then reads it front to back, whatever the matrix's own layout was, and
// columns beyond the last are zeros.
#pragma once

#include "simd.h"
#include "threads.h"
#include "transpose.h"

namespace dpo::DPO_ISA {

/** Rows and vectors of the tile that a product keeps in registers, operands included. */
constexpr int kTileRows = kRegisters == 32 ? 8 : 6;
constexpr int kTileVectors = kRegisters == 32 ? 3 : 2;

/** How `columns` columns divide into panels of at most kTileVectors vectors, as evenly as they can. */
struct Panels {
  int64_t columns, vectors, count;

  explicit Panels(int64_t columns)
      : columns(columns), vectors((columns + kLanes - 1) / kLanes),
        count((vectors + kTileVectors - 1) / kTileVectors) {}

  Range vectorsOf(int64_t panel) const {
    return share(vectors, static_cast<int>(panel), static_cast<int>(count));
  }
  /** Floats of the packed matrix. */
  int64_t size(int64_t depth) const { return vectors * kLanes * depth; }
};

/** One panel of a packed matrix of `depth` rows. */
struct Panel {
  int64_t vectors, firstColumn, columns;  // columns: those that exist
  int64_t offset;                         // in the packed matrix

  Panel(const Panels& all, int64_t panel, int64_t depth) {
    const Range range = all.vectorsOf(panel);
    vectors = range.end - range.begin;
    firstColumn = range.begin * kLanes;
    const int64_t width = vectors * kLanes, left = all.columns - firstColumn;
    columns = left < width ? left : width;
    offset = firstColumn * depth;
  }
};

/** Packs rows first … first+rows−1 of a [depth, columns] matrix; a row begins every `fromRow`. */
inline void packRows(const float* from, int64_t fromRow, const Panels& all, int64_t depth,
                     int64_t first, int64_t rows, float* to) {
  for (int64_t p = 0; p < all.count; p++) {
    const Panel panel(all, p, depth);
    const int64_t width = panel.vectors * kLanes;
    float* out = to + panel.offset + first * width;
    for (int64_t k = first; k < first + rows; k++, out += width) {
      const float* in = from + k * fromRow + panel.firstColumn;
      int64_t lane = 0;
      for (; lane + kLanes <= panel.columns; lane += kLanes) store(out + lane, load(in + lane));
      if (lane < panel.columns) {
        store(out + lane, load(in + lane, First{static_cast<int>(panel.columns - lane)}));
      }
    }
  }
}

/** The same of a matrix stored transposed, [columns, depth]; a column begins every `fromColumn`. */
inline void packColumns(const float* from, int64_t fromColumn, const Panels& all, int64_t depth,
                        int64_t first, int64_t rows, float* to) {
  for (int64_t p = 0; p < all.count; p++) {
    const Panel panel(all, p, depth);
    const int64_t width = panel.vectors * kLanes;
    float* out = to + panel.offset + first * width;
    transpose(from + panel.firstColumn * fromColumn + first, fromColumn, panel.columns, rows, out,
              width);
    for (int64_t k = 0; k < rows; k++) {
      for (int64_t c = panel.columns; c < width; c++) out[k * width + c] = 0;
    }
  }
}

}  // namespace dpo::DPO_ISA

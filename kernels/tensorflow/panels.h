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

DPO_INLINE int64_t smallerOf(int64_t a, int64_t b) { return a < b ? a : b; }
DPO_INLINE int64_t largerOf(int64_t a, int64_t b) { return a > b ? a : b; }

/** How `columns` columns divide into panels of at most kTileVectors vectors, as evenly as they can. */
struct Panels {
  int64_t columns, vectors, count;

  explicit Panels(int64_t columns)
      : columns(columns), vectors((columns + kLanes - 1) / kLanes),
        count((vectors + kTileVectors - 1) / kTileVectors) {}

  Range vectorsOf(int64_t panel) const {
    return share(vectors, static_cast<int>(panel), static_cast<int>(count));
  }
  /** Units of the packed matrix, `depth` being counted in units as well. */
  int64_t size(int64_t depth) const { return vectors * kLanes * depth; }
};

/** One panel of a packed matrix of `depth` units. */
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

/**
 * Packs for products of T the units first … first+count−1 of a [depth, columns] matrix; a row begins
 * every `fromRow`.
 */
template <class T, class W>
void packRows(const W* from, int64_t fromRow, const Panels& all, int64_t depth, int64_t first,
              int64_t count, Unit<T>* to) {
  constexpr int64_t P = kPerUnit<T>;
  for (int64_t p = 0; p < all.count; p++) {
    const Panel panel(all, p, unitsOf<T>(depth));
    const int64_t width = panel.vectors * kLanes;
    Unit<T>* out = to + panel.offset + first * width;
    for (int64_t k = first * P; k < smallerOf((first + count) * P, depth); k += P, out += width) {
      const W* row = from + k * fromRow + panel.firstColumn;
      const W* next = P == 2 && k + 1 < depth ? row + fromRow : nullptr;
      forLanes(panel.columns, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
        store(out + c, loadUnits<T>(row + c, next ? next + c : next, lanes));
      });
    }
  }
}

/** The same of a matrix stored transposed, [columns, depth]; a column begins every `fromColumn`. */
template <class T, class W>
void packColumns(const W* from, int64_t fromColumn, const Panels& all, int64_t depth,
                 int64_t first, int64_t count, Unit<T>* to) {
  constexpr int64_t P = kPerUnit<T>;
  for (int64_t p = 0; p < all.count; p++) {
    const Panel panel(all, p, unitsOf<T>(depth));
    const int64_t width = panel.vectors * kLanes;
    Unit<T>* out = to + panel.offset + first * width;
    const int64_t numbers = smallerOf(count * P, depth - first * P);
    transpose<T>(from + panel.firstColumn * fromColumn + first * P, fromColumn, panel.columns,
                 numbers, out, width);
    for (int64_t k = 0; k < count; k++) {
      for (int64_t c = panel.columns; c < width; c++) out[k * width + c] = {};
    }
  }
}

}  // namespace dpo::DPO_ISA

// PyTorch's Linear, its input's gradient and its weight's: products of rows of a matrix.
#include "matrix-product.h"
#include "table.h"

namespace dpo::DPO_ISA {

void linear(const Linear& op) {
  const int64_t K = op.in;
  const Panels panels(op.out);
  float* packed = scratch(Scratch::shared, panels.size(K));
  packInParallel(K, op.out, [&](int64_t first, int64_t rows) {
    if (op.transposed) packColumns(op.w, K, panels, K, first, rows, packed);
    else packRows(op.w, op.out, panels, K, first, rows, packed);
  });
  const RowProduct product{op.rows, 1, K, panels, packed, op.bias, op.residual, op.y};
  multiply(product, [&](int64_t first, const float** rows) {
    for (int64_t i = 0; i < kTileRows; i++) {
      rows[i] = op.x + smallerOf(first + i, op.rows - 1) * K;
    }
  });
}

void linearWeightGrad(const LinearWeightGrad& op) {
  const Panels panels(op.in);
  float* packed = scratch(Scratch::shared, panels.size(op.rows));
  packInParallel(op.rows, op.in, [&](int64_t first, int64_t rows) {
    packRows(op.x, op.in, panels, op.rows, first, rows, packed);
  });
  const ColumnProduct product{op.out, 1, op.rows, panels, packed, op.acc};
  multiplyInto(product, [&](int64_t, int64_t first, int64_t count, const float** columns) {
    for (int64_t k = 0; k < count; k++) columns[k] = op.dy + (first + k) * op.out;
  });
}

}  // namespace dpo::DPO_ISA

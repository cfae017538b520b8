// PyTorch's Linear, its input's gradient and its weight's: products of rows of a matrix.
#include "matrix-product.h"
#include "table.h"

namespace dpo::DPO_ISA {

template <class T>
void linear(const Linear<T>& op) {
  const int64_t K = op.in;
  const Left<T>* x = leftFactor(op.x, op.rows * K);
  inStrips(op.rows, K, op.out, [&](Range columns, int threads) {
    const int64_t from = columns.begin;
    const Panels panels(columns.end - from);
    auto* packed = reinterpret_cast<Unit<T>*>(
        scratch(Scratch::shared, panels.size(unitsOf<T>(K))));
    packInParallel(unitsOf<T>(K), panels.columns, threads, [&](int64_t first, int64_t count) {
      withWeight(op.w, [&](const auto* w) {
        if (op.transposed) packColumns<T>(w + from * K, K, panels, K, first, count, packed);
        else packRows<T>(w + from, op.out, panels, K, first, count, packed);
      });
    });
    const RowProduct<T> product{op.rows, 1, K, panels, packed, op.bias ? op.bias + from : nullptr,
                                op.residual ? op.residual + from : nullptr, op.y + from, op.out};
    multiply(product, threads, [&](int64_t first, TileRows<T>& tile) {
      tile.segments = 1;
      tile.segment[0] = 0;
      for (int64_t i = 0; i < kTileRows; i++) {
        tile.target[i] = smallerOf(first + i, op.rows - 1);
        tile.rows[0][i] = x + tile.target[i] * K;
      }
    });
  });
}

template <class T>
void linearWeightGrad(const LinearWeightGrad<T>& op) {
  const Panels panels(op.in);
  const int64_t units = unitsOf<T>(op.rows);
  auto* packed = reinterpret_cast<Unit<T>*>(scratch(Scratch::shared, panels.size(units)));
  packInParallel(units, op.in, threadCount(), [&](int64_t first, int64_t count) {
    packRows<T>(op.x, op.in, panels, op.rows, first, count, packed);
  });
  const ColumnProduct<T> product{op.out, 1, op.rows, panels, packed, 0, nullptr, op.acc};
  multiplyInto(product, [&](int64_t, int64_t first, int64_t count, const T** columns) {
    for (int64_t k = 0; k < count; k++) columns[k] = op.dy + (first + k) * op.out;
  });
}

template void linear(const Linear<float>&);
template void linear(const Linear<bfloat16>&);
template void linearWeightGrad(const LinearWeightGrad<float>&);
template void linearWeightGrad(const LinearWeightGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

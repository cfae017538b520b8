// Adafactor (Shazeer and Stern, 2018) on one tensor, as transformers' optimizer computes it: the second
// moments of a matrix are kept as the means of its rows and of its columns. A vector is one row: its
// columns' moments are its own.
//
// A matrix is [rows, columns, batch] with the batch innermost: a linear weight [out, in] is one
// matrix, a convolution's [kH, kW, in, out] is in·out of them, as PyTorch's [out, in, kH, kW] is.
#include "simd.h"
#include "table.h"
#include "threads.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int64_t kGrain = 16384;

/** How the work divides: a single matrix by rows, a batch of them by its members. */
struct Split {
  const Adafactor& op;
  const bool single = op.batch == 1;
  const int parts = partsFor(op.rows * op.columns * op.batch, kGrain);
  /** Numbers that lie next to each other, and how many such stretches a row has. */
  const int64_t stretch = single ? op.columns : op.batch, stretches = single ? 1 : op.columns;

  /** body(offset in param, offset in a row, index of the row's factor, lanes) for a part's numbers. */
  template <class Body>
  DPO_INLINE void each(int part, Body body) const {
    const Range rows = single ? share(op.rows, part, parts) : Range{0, op.rows};
    const Range lanes = single ? Range{0, stretch} : share(stretch, part, parts);
    for (int64_t row = rows.begin; row < rows.end; row++) {
      for (int64_t s = 0; s < stretches; s++) {
        const int64_t inRow = s * stretch + lanes.begin;
        const int64_t factor = single ? row : row * op.batch + lanes.begin;
        forLanes(lanes.end - lanes.begin, [&](int64_t i, auto all) DPO_INLINE_LAMBDA {
          body(row * stretch * stretches + inRow + i, inRow + i, single ? factor : factor + i, all);
        });
      }
    }
  }
};

/** moments ← beta2·moments + (1 − beta2)·sums/count. */
void decay(float* moments, const float* sums, int64_t n, int64_t count, double beta2) {
  const float keep = static_cast<float>(beta2), take = static_cast<float>((1 - beta2) / count);
  forLanes(n, [&](int64_t i, auto lanes) DPO_INLINE_LAMBDA {
    store(moments + i, load(moments + i, lanes) * keep + load(sums + i, lanes) * take, lanes);
  });
}

/** The step's length before clipping: the learning rate, times the parameter's RMS if it is to scale. */
double stepLength(const Adafactor& op, int64_t n) {
  if (!op.scaleParameter) return op.learningRate;
  const double rms = __builtin_sqrt(squaredNorm(op.param, n) / n);
  return op.learningRate * (rms > op.epsilonScale ? rms : op.epsilonScale);
}

/** Adds the squared gradients to the sums of rows and columns, and moves the moments towards them. */
void updateMoments(const Adafactor& op, const Split& split, float* sums) {
  const int64_t R = op.rows * op.batch, C = op.columns * op.batch;
  const int copies = split.single ? split.parts : 1;  // of the columns' sums
  memset(sums, 0, (R + copies * C) * sizeof(float));
  const float scale = static_cast<float>(op.gradScale), epsilon = static_cast<float>(op.epsilon);
  parallel(split.parts, [&](int part) {
    float* columns = sums + R + (split.single ? part : 0) * C;
    split.each(part, [&](int64_t at, int64_t column, int64_t row, auto lanes) DPO_INLINE_LAMBDA {
      const Vec g = load(op.grad + at, lanes) * scale;
      const Vec square = firstLanes(g * g + epsilon, lanes);
      store(columns + column, load(columns + column, lanes) + square, lanes);
      if (split.single) sums[row] += sum(square);
      else store(sums + row, load(sums + row, lanes) + square, lanes);
    });
  });
  for (int copy = 1; copy < copies; copy++) accumulate(sums + R + copy * C, sums + R, C);
  decay(op.row, sums, R, op.columns, op.beta2);
  decay(op.column, sums + R, C, op.rows, op.beta2);
}

/** 1/√ of the moments, those of the rows relative to their mean over a matrix. */
void reciprocalRoots(const Adafactor& op, float* rows, float* columns) {
  for (int64_t b = 0; b < op.batch; b++) {
    double mean = 0;
    for (int64_t r = 0; r < op.rows; r++) mean += op.row[r * op.batch + b] / op.rows;
    for (int64_t r = b; r < op.rows * op.batch; r += op.batch) {
      rows[r] = static_cast<float>(1 / __builtin_sqrt(op.row[r] / mean));
    }
  }
  for (int64_t c = 0; c < op.columns * op.batch; c++) {
    columns[c] = 1 / __builtin_sqrtf(op.column[c]);
  }
}

}  // namespace

void adafactor(const Adafactor& op) {
  const int64_t R = op.rows * op.batch, C = op.columns * op.batch, n = op.rows * C;
  const double length = stepLength(op, n);  // uses the same working memory: first
  const Split split{op};
  const int64_t copies = split.single ? split.parts : 1;
  float* rows = scratch(Scratch::factor, 2 * R + (copies + 1) * C + 2 * split.parts);
  float *columns = rows + R, *sums = columns + C;
  updateMoments(op, split, sums);
  reciprocalRoots(op, rows, columns);
  const float scale = static_cast<float>(op.gradScale);
  const auto update = [&](int64_t at, int64_t column, int64_t row, auto lanes) DPO_INLINE_LAMBDA {
    const Vec factor = split.single ? splat(rows[row]) : load(rows + row, lanes);
    return load(op.grad + at, lanes) * scale * factor * load(columns + column, lanes);
  };
  double* squares = reinterpret_cast<double*>(scratch(Scratch::shared, 2 * split.parts));
  parallel(split.parts, [&](int part) {
    double total = 0;
    split.each(part, [&](int64_t at, int64_t column, int64_t row, auto lanes) DPO_INLINE_LAMBDA {
      const Vec u = update(at, column, row, lanes);
      total += sum(u * u);
    });
    squares[part] = total;
  });
  double total = 0;
  for (int part = 0; part < split.parts; part++) total += squares[part];
  const double excess = __builtin_sqrt(total / n) / op.clipThreshold;
  const float step = static_cast<float>(length / (excess > 1 ? excess : 1));
  const float keep = static_cast<float>(1 - op.weightDecay * length);
  parallel(split.parts, [&](int part) {
    split.each(part, [&](int64_t at, int64_t column, int64_t row, auto lanes) DPO_INLINE_LAMBDA {
      const Vec u = update(at, column, row, lanes);
      store(op.param + at, load(op.param + at, lanes) * keep - u * step, lanes);
      store(op.grad + at, Vec{}, lanes);
    });
  });
}

}  // namespace dpo::DPO_ISA

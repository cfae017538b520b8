// Gradient of attention from the stored log-sum-exp: FlashAttention-2 (Dao, 2023), backward.
//
// P = exp(S − logSumExp) is recomputed block by block; with δ = Σ dO·O per query:
//   dV = Pᵀ·dO,   dP = dO·Vᵀ,   dS = P·(dP − δ)/√D,   dQ = dS·K,   dK = dSᵀ·Q.
// Heads run in parallel; when there are too few of them a head's queries are split as well, and the
// splits' dK and dV are summed in a fixed order.
#include "attention-blocks.h"
#include "table.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

/** One thread's buffers. */
struct Buffers {
  float *keysT, *valuesT, *keys;               // one head: [D × L] twice, [L × D]
  float *q, *dO, *dq, *scores, *dScores;       // one block of queries
  float *delta;

  static size_t size(const AttentionShape& n) {
    return 2 * n.keyBlocks * kKeyBlock * n.D + n.paddedL * n.paddedD +
           kQueryBlock * (3 * n.paddedD + 2 * kKeyBlock + 1);
  }

  Buffers(const AttentionShape& n, float* memory) {
    keysT = memory;
    valuesT = keysT + n.keyBlocks * kKeyBlock * n.D;
    scores = valuesT + n.keyBlocks * kKeyBlock * n.D;
    dScores = scores + kQueryBlock * kKeyBlock;
    keys = dScores + kQueryBlock * kKeyBlock;
    q = keys + n.paddedL * n.paddedD;
    dO = q + kQueryBlock * n.paddedD;
    dq = dO + kQueryBlock * n.paddedD;
    delta = dq + kQueryBlock * n.paddedD;
  }
};

void packHead(const AttentionGrad& op, const AttentionShape& n, const Buffers& buffers,
              int64_t head) {
  const int64_t at = n.start(head, n.L);
  packTransposed(n, op.k + at, n.scale, buffers.keysT);
  packTransposed(n, op.v + at, 1.f, buffers.valuesT);
  pack(n, op.k + at, n.L, buffers.keys);
}

/** A row of scores becomes P and a row of dP becomes dS, both zero where not visible. */
void scoreGradRow(float* scores, float* dScores, int64_t visible, int64_t width, float logSumExp,
                  float delta, float scale) {
  forLanes(visible, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
    const Vec p = firstLanes(exp(load(scores + c) - logSumExp), lanes);
    store(scores + c, p);
    store(dScores + c, firstLanes(p * (load(dScores + c) - delta) * scale, lanes));
  });
  for (int64_t c = roundUp(visible, kLanes); c < width; c++) scores[c] = dScores[c] = 0;
}

/** δ for each query of the block. */
void outputDots(const AttentionGrad& op, const AttentionShape& n, const Buffers& buffers,
                int64_t queries, int64_t at) {
  for (int64_t i = 0; i < queries; i++) {
    Vec dots = {};
    forLanes(n.D, [&](int64_t d, auto lanes) DPO_INLINE_LAMBDA {
      dots += load(op.o + at + i * n.E + d, lanes) * load(op.dO + at + i * n.E + d, lanes);
    });
    buffers.delta[i] = sum(dots);
  }
}

/** One block of queries against all keys: writes its dq, adds to dk and dv ([L × paddedD]). */
void queryBlock(const AttentionGrad& op, const AttentionShape& n, const Buffers& buffers,
                int64_t head, int64_t firstQuery, float* dk, float* dv) {
  const int queries = static_cast<int>(smaller(kQueryBlock, n.S - firstQuery));
  const int D = static_cast<int>(n.D), paddedD = static_cast<int>(n.paddedD);
  const int64_t at = n.start(head, n.S) + firstQuery * n.E;
  pack(n, op.q + at, queries, buffers.q);
  pack(n, op.dO + at, queries, buffers.dO);
  memset(buffers.dq, 0, queries * n.paddedD * sizeof(float));
  outputDots(op, n, buffers, queries, at);
  const int64_t lastKey = op.causal ? smaller(n.L, firstQuery + queries) : n.L;
  for (int64_t first = 0; first < lastKey; first += kKeyBlock) {
    const int keys = static_cast<int>(smaller(kKeyBlock, n.L - first));
    const int width = static_cast<int>(roundUp(keys, kLanes));
    product<false>(queries, width, D, {buffers.q, n.paddedD, 1}, buffers.keysT + first * n.D, width,
                   buffers.scores, kKeyBlock);
    product<false>(queries, width, D, {buffers.dO, n.paddedD, 1}, buffers.valuesT + first * n.D,
                   width, buffers.dScores, kKeyBlock);
    for (int64_t i = 0; i < queries; i++) {
      scoreGradRow(buffers.scores + i * kKeyBlock, buffers.dScores + i * kKeyBlock,
                   visibleKeys(op.causal, firstQuery + i, first, keys), width,
                   op.logSumExp[head * n.S + firstQuery + i], buffers.delta[i], n.scale);
    }
    const Matrix ds = {buffers.dScores, kKeyBlock, 1}, dsT = {buffers.dScores, 1, kKeyBlock};
    const Matrix pT = {buffers.scores, 1, kKeyBlock};
    product<true>(queries, paddedD, keys, ds, buffers.keys + first * n.paddedD, n.paddedD,
                  buffers.dq, n.paddedD);
    product<true>(keys, paddedD, queries, dsT, buffers.q, n.paddedD, dk + first * n.paddedD,
                  n.paddedD);
    product<true>(keys, paddedD, queries, pT, buffers.dO, n.paddedD, dv + first * n.paddedD,
                  n.paddedD);
  }
  unpack(n, buffers.dq, queries, op.dq + at);
}

}  // namespace

void attentionGrad(const AttentionGrad& op) {
  const AttentionShape n(op);
  const int64_t heads = op.batch * n.H, size = n.L * n.paddedD;
  const int threads = partsFor(heads * n.S * n.L * n.D, 16384);
  const int64_t splits = heads >= 2 * threads || heads % threads == 0
                             ? 1
                             : smaller(n.queryBlocks, (threads + heads - 1) / heads);
  const int64_t jobs = heads * splits;
  const int parts = static_cast<int>(smaller(threads, jobs > 0 ? jobs : 1));
  // dk and dv: of every split when there are several, else one pair for each part.
  float* sums = scratch(Scratch::shared, 2 * size * (splits > 1 ? jobs : parts));
  parallel(parts, [&](int part) {
    const Buffers buffers(n, scratch(Scratch::part, Buffers::size(n)));
    const Range range = share(jobs, part, parts);
    int64_t packed = -1;
    for (int64_t job = range.begin; job < range.end; job++) {
      const int64_t head = job / splits;
      if (head != packed) packHead(op, n, buffers, packed = head);
      float *dk = sums + 2 * size * (splits > 1 ? job : part), *dv = dk + size;
      memset(dk, 0, 2 * size * sizeof(float));
      const Range blocks =
          share(n.queryBlocks, static_cast<int>(job % splits), static_cast<int>(splits));
      for (int64_t block = blocks.begin; block < blocks.end; block++) {
        queryBlock(op, n, buffers, head, block * kQueryBlock, dk, dv);
      }
      if (splits > 1) continue;
      unpack(n, dk, n.L, op.dk + n.start(head, n.L));
      unpack(n, dv, n.L, op.dv + n.start(head, n.L));
    }
  });
  if (splits == 1) return;
  for (int64_t head = 0; head < heads; head++) {
    float* total = sums + 2 * size * head * splits;
    for (int64_t split = 1; split < splits; split++) {
      accumulate(total + 2 * size * split, total, 2 * size);
    }
    unpack(n, total, n.L, op.dk + n.start(head, n.L));
    unpack(n, total + size, n.L, op.dv + n.start(head, n.L));
  }
}

}  // namespace dpo::DPO_ISA

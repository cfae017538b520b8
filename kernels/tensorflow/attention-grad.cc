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

constexpr int kKeyBlock = 64;  // 16 KB of scores and as much of their gradients

/** One thread's buffers. */
struct Buffers {
  float *qT, *dOT, *dqT, *scores, *dScores, *delta, *logSumExp;  // [· × kQueryBlock]: D, D, D,
                                                                 // kKeyBlock, kKeyBlock, 1, 1
  float *q, *dO;                                                 // [kQueryBlock × paddedD]

  static size_t size(const AttentionShape& n) {
    return kQueryBlock * (3 * n.D + 2 * kKeyBlock + 2 + 2 * n.paddedD);
  }

  Buffers(const AttentionShape& n, float* memory) {
    scores = memory;
    dScores = scores + kKeyBlock * kQueryBlock;
    qT = dScores + kKeyBlock * kQueryBlock;
    dOT = qT + n.D * kQueryBlock;
    dqT = dOT + n.D * kQueryBlock;
    delta = dqT + n.D * kQueryBlock;
    logSumExp = delta + kQueryBlock;
    q = logSumExp + kQueryBlock;
    dO = q + kQueryBlock * n.paddedD;
  }
};

/** Rows of whole vectors: those of the tensor where D allows it, else a zero-filled copy. */
struct Rows {
  const float* data;
  int64_t row;

  Rows(const AttentionShape& n, const Queries& queries, const float* from, float* copy)
      : data(from + queries.start(n)), row(n.E) {
    if (n.D == n.paddedD) return;
    for (int64_t i = 0; i < queries.count; i++) {
      memcpy(copy + i * n.paddedD, data + i * n.E, n.D * sizeof(float));
      for (int64_t d = n.D; d < n.paddedD; d++) copy[i * n.paddedD + d] = 0;
    }
    data = copy;
    row = n.paddedD;
  }
};

/** Packs the queries and dO, and sets δ, logSumExp and a zero dq. */
void prepare(const AttentionGrad& op, const AttentionShape& n, const Buffers& buffers,
             const Queries& queries) {
  packQueries(n, queries, op.q, buffers.qT);
  packQueries(n, queries, op.dO, buffers.dOT);
  memset(buffers.dqT, 0, n.D * kQueryBlock * sizeof(float));
  const float *o = op.o + queries.start(n), *dO = op.dO + queries.start(n);
  const float* logSumExp = op.logSumExp + queries.head * n.S + queries.first;
  for (int64_t i = 0; i < queries.width; i++) {
    Vec dots = {};
    if (i < queries.count) {
      forLanes(n.D, [&](int64_t d, auto lanes) DPO_INLINE_LAMBDA {
        dots += load(o + i * n.E + d, lanes) * load(dO + i * n.E + d, lanes);
      });
    }
    buffers.delta[i] = sum(dots);
    buffers.logSumExp[i] = i < queries.count ? logSumExp[i] : 0;
  }
}

/** The scores (not yet divided by √D) of a block become P, and dP becomes dS. */
void scoreGrads(const AttentionShape& n, const Buffers& buffers, int64_t width, int64_t keys) {
  for (int64_t lane = 0; lane < width; lane += kLanes) {
    const Vec logSumExp = load(buffers.logSumExp + lane), delta = load(buffers.delta + lane);
    for (int64_t i = lane; i < keys * kQueryBlock; i += kQueryBlock) {
      const Vec p = exp(load(buffers.scores + i) * n.scale - logSumExp);
      store(buffers.scores + i, p);
      store(buffers.dScores + i, p * (load(buffers.dScores + i) - delta) * n.scale);
    }
  }
}

/** One block of queries against all keys: writes its dq, adds to dk and dv ([L × paddedD]). */
void gradBlock(const AttentionGrad& op, const AttentionShape& n, const Buffers& buffers,
               const Queries& queries, float* dk, float* dv) {
  const float *k = op.k + n.start(queries.head, n.L), *v = op.v + n.start(queries.head, n.L);
  const int64_t width = queries.width;
  prepare(op, n, buffers, queries);
  const Rows q(n, queries, op.q, buffers.q), dO(n, queries, op.dO, buffers.dO);
  const int64_t end = endOfKeys(n, queries, op.causal);
  for (int64_t first = 0; first < end; first += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, end - first), at = first * n.paddedD;
    product<false>(keys, width, n.D, {k + first * n.E, n.E, 1}, buffers.qT, kQueryBlock,
                   buffers.scores, kQueryBlock);
    product<false>(keys, width, n.D, {v + first * n.E, n.E, 1}, buffers.dOT, kQueryBlock,
                   buffers.dScores, kQueryBlock);
    if (op.causal) hideLaterKeys(queries, first, keys, buffers.scores);
    scoreGrads(n, buffers, width, keys);
    product<true>(n.D, width, keys, {k + first * n.E, 1, n.E}, buffers.dScores, kQueryBlock,
                  buffers.dqT, kQueryBlock);
    product<true>(keys, n.paddedD, queries.count, {buffers.dScores, kQueryBlock, 1}, q.data, q.row,
                  dk + at, n.paddedD);
    product<true>(keys, n.paddedD, queries.count, {buffers.scores, kQueryBlock, 1}, dO.data, dO.row,
                  dv + at, n.paddedD);
  }
  transpose<float>(buffers.dqT, kQueryBlock, n.D, queries.count, op.dq + queries.start(n), n.E);
}

/** dk or dv of one head from its padded sums. */
void unpack(const AttentionShape& n, const float* from, float* to) {
  for (int64_t key = 0; key < n.L; key++) {
    memcpy(to + key * n.E, from + key * n.paddedD, n.D * sizeof(float));
  }
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
  const int parts = static_cast<int>(smaller(threads, jobs));
  // dk and dv: of every split when there are several, else one pair for each part.
  float* sums = scratch(Scratch::shared, 2 * size * (splits > 1 ? jobs : parts));
  parallel(parts, [&](int part) {
    const Buffers buffers(n, scratch(Scratch::part, Buffers::size(n)));
    const Range range = share(jobs, part, parts);
    for (int64_t job = range.begin; job < range.end; job++) {
      const int64_t head = job / splits;
      float *dk = sums + 2 * size * (splits > 1 ? job : part), *dv = dk + size;
      memset(dk, 0, 2 * size * sizeof(float));
      const Range blocks =
          share(n.queryBlocks, static_cast<int>(job % splits), static_cast<int>(splits));
      for (int64_t block = blocks.begin; block < blocks.end; block++) {
        gradBlock(op, n, buffers, Queries(n, head, block), dk, dv);
      }
      if (splits > 1) continue;
      unpack(n, dk, op.dk + n.start(head, n.L));
      unpack(n, dv, op.dv + n.start(head, n.L));
    }
  });
  if (splits == 1) return;
  for (int64_t head = 0; head < heads; head++) {
    float* total = sums + 2 * size * head * splits;
    for (int64_t split = 1; split < splits; split++) {
      accumulate(total + 2 * size * split, total, 2 * size);
    }
    unpack(n, total, op.dk + n.start(head, n.L));
    unpack(n, total + size, op.dv + n.start(head, n.L));
  }
}

}  // namespace dpo::DPO_ISA

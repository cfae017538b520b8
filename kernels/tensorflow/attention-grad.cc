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

/** One thread's buffers; [· × kQueryBlock] unless said otherwise. */
template <class T>
struct Buffers {
  float *scores, *dScores, *dqT, *delta, *logSumExp;  // [kKeyBlock], [kKeyBlock], [D], [1], [1]
  float* rows;                                        // [kQueryBlock × D]
  Unit<T>*qT, *dOT;                                   // [units of D]
  Unit<T>*q, *dO;                                     // [units of kQueryBlock × paddedD]
  // P and dS, units along the queries [kKeyBlock × units of kQueryBlock], and dS, along the keys.
  Unit<T>*p, *dS, *dSKeys;
  Unit<T>*k, *v, *kKeys;  // of one head

  static size_t size(const AttentionShape& n) {
    return kQueryBlock * (4 * n.D + 5 * kKeyBlock + 2 + 2 * n.paddedD) + 3 * headUnits<T>(n, n.L);
  }

  Buffers(const AttentionShape& n, float* memory) {
    const auto take = [&](int64_t floats) {
      memory += floats;
      return memory - floats;
    };
    const auto units = [&](int64_t size) { return reinterpret_cast<Unit<T>*>(take(size)); };
    constexpr int64_t block = kKeyBlock * kQueryBlock;
    scores = take(block);
    dScores = take(block);
    dqT = take(n.D * kQueryBlock);
    delta = take(kQueryBlock);
    logSumExp = take(kQueryBlock);
    rows = take(n.D * kQueryBlock);
    qT = units(n.D * kQueryBlock);
    dOT = units(n.D * kQueryBlock);
    q = units(kQueryBlock * n.paddedD);
    dO = units(kQueryBlock * n.paddedD);
    p = units(block);
    dS = units(block);
    dSKeys = kPerUnit<T> == 1 ? dS : units(block);
    k = units(headUnits<T>(n, n.L));
    v = units(headUnits<T>(n, n.L));
    kKeys = units(headUnits<T>(n, n.L));
  }
};

/** The keys and values of one head as left factors: of depth D, and the keys of depth keys. */
template <class T>
struct Head {
  Matrix<Unit<T>> k, v, kKeys;

  Head(const AttentionGrad<T>& op, const AttentionShape& n, const Buffers<T>& b, int64_t head)
      : k(alongSize(n, op.k + n.start(head, n.L), n.L, b.k)),
        v(alongSize(n, op.v + n.start(head, n.L), n.L, b.v)),
        kKeys(alongRows(n, op.k + n.start(head, n.L), n.L, b.kKeys)) {}
};

/** Right factor of the queries' rows: those of the tensor where they are whole vectors of floats. */
template <class T>
struct Rows {
  const Unit<T>* data;
  int64_t row;

  Rows(const AttentionShape& n, const Queries& queries, const T* from, Unit<T>* copy) {
    if constexpr (sizeof(T) == sizeof(float)) {
      data = from + queries.start(n);
      row = n.E;
      if (n.D == n.paddedD) return;
    }
    data = packAlongRows(n, from + queries.start(n), queries.count, copy);
    row = n.paddedD;
  }
};

/** Packs the queries and dO, and sets δ, logSumExp and a zero dq. */
template <class T>
void prepare(const AttentionGrad<T>& op, const AttentionShape& n, const Buffers<T>& buffers,
             const Queries& queries) {
  packQueries(n, queries, op.q, buffers.qT);
  packQueries(n, queries, op.dO, buffers.dOT);
  memset(buffers.dqT, 0, n.D * kQueryBlock * sizeof(float));
  const T *o = op.o + queries.start(n), *dO = op.dO + queries.start(n);
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

/** The scores (not yet divided by √D) of a block become units of P, and dP those of dS. */
template <class T>
void scoreGrads(const AttentionShape& n, const Buffers<T>& buffers, int64_t width, int64_t keys) {
  constexpr int64_t P = kPerUnit<T>;
  auto *p = reinterpret_cast<Left<T>*>(buffers.p), *dS = reinterpret_cast<Left<T>*>(buffers.dS);
  for (int64_t lane = 0; lane < width; lane += kLanes) {
    const Vec logSumExp = load(buffers.logSumExp + lane), delta = load(buffers.delta + lane);
    const auto gradOf = [&](int64_t key) DPO_INLINE_LAMBDA {
      const int64_t i = key * kQueryBlock + lane;
      const Vec weight = exp(load(buffers.scores + i) * n.scale - logSumExp);
      const Vec grad = weight * (load(buffers.dScores + i) - delta) * n.scale;
      store(p + i, weight);
      store(dS + i, grad);
      return grad;
    };
    for (int64_t key = 0; key < keys; key += P) {
      const Vec grad = gradOf(key);
      if constexpr (P == 2) {
        const Vec next = key + 1 < keys ? gradOf(key + 1) : Vec{};
        store(buffers.dSKeys + key / P * kQueryBlock + lane, pairs(narrow(grad), narrow(next)));
      }
    }
  }
}

/** One block of queries against all keys: writes its dq, adds to dk and dv ([L × paddedD]). */
template <class T>
void gradBlock(const AttentionGrad<T>& op, const AttentionShape& n, const Buffers<T>& b,
               const Head<T>& head, const Queries& queries, float* dk, float* dv) {
  constexpr int64_t P = kPerUnit<T>, kUnits = kQueryBlock / P;
  const int64_t width = queries.width, D = unitsOf<T>(n.D), count = unitsOf<T>(queries.count);
  prepare(op, n, b, queries);
  const Rows<T> q(n, queries, op.q, b.q), dO(n, queries, op.dO, b.dO);
  const int64_t end = endOfKeys(n, queries, op.causal);
  for (int64_t first = 0; first < end; first += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, end - first), at = first * n.paddedD;
    product<T, false>(keys, width, D, head.k.fromRow(first), b.qT, kQueryBlock, b.scores,
                      kQueryBlock);
    product<T, false>(keys, width, D, head.v.fromRow(first), b.dOT, kQueryBlock, b.dScores,
                      kQueryBlock);
    if (op.causal) hideLaterKeys(queries, first, keys, b.scores);
    scoreGrads(n, b, width, keys);
    product<T, true>(n.D, width, unitsOf<T>(keys), head.kKeys.fromColumn(first / P), b.dSKeys,
                     kQueryBlock, b.dqT, kQueryBlock);
    product<T, true>(keys, n.paddedD, count, {b.dS, kUnits, 1}, q.data, q.row, dk + at, n.paddedD);
    product<T, true>(keys, n.paddedD, count, {b.p, kUnits, 1}, dO.data, dO.row, dv + at,
                     n.paddedD);
  }
  writeQueries(n, queries, b.dqT, b.rows, op.dq);
}

/** dk or dv of one head from its padded sums. */
template <class T>
void unpack(const AttentionShape& n, const float* from, T* to) {
  for (int64_t key = 0; key < n.L; key++) {
    forLanes(n.D, [&](int64_t d, auto lanes) DPO_INLINE_LAMBDA {
      store(to + key * n.E + d, load(from + key * n.paddedD + d, lanes), lanes);
    });
  }
}

}  // namespace

template <class T>
void attentionGrad(const AttentionGrad<T>& op) {
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
    const Buffers<T> buffers(n, scratch(Scratch::part, Buffers<T>::size(n)));
    const Range range = share(jobs, part, parts);
    for (int64_t job = range.begin; job < range.end; job++) {
      const int64_t head = job / splits;
      float *dk = sums + 2 * size * (splits > 1 ? job : part), *dv = dk + size;
      memset(dk, 0, 2 * size * sizeof(float));
      const Range blocks =
          share(n.queryBlocks, static_cast<int>(job % splits), static_cast<int>(splits));
      const Head<T> factors(op, n, buffers, head);
      for (int64_t block = blocks.begin; block < blocks.end; block++) {
        gradBlock(op, n, buffers, factors, Queries(n, head, block), dk, dv);
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

template void attentionGrad(const AttentionGrad<float>&);
template void attentionGrad(const AttentionGrad<bfloat16>&);

}  // namespace dpo::DPO_ISA

// Attention without a stored score matrix: FlashAttention-2 (Dao, 2023), forward.
//
// A block of queries walks over the blocks of keys with a running maximum and a running sum.
#include "attention-blocks.h"
#include "table.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int kKeyBlock = 128;  // 32 KB of scores

/** One thread's buffers, most of them [· × kQueryBlock] with one query a lane. */
template <class T>
struct Buffers {
  float *scores, *out, *maximum, *sum;  // [kKeyBlock], [D], [1], [1]
  float* rows;                          // [kQueryBlock × D]
  Unit<T>* q;                           // [units of D]
  Unit<T>*keys, *values;                // of one head

  static size_t size(const AttentionShape& n) {
    return kQueryBlock * (3 * n.D + kKeyBlock + 2) + 2 * headUnits<T>(n, n.L);
  }

  Buffers(const AttentionShape& n, float* memory) {
    scores = memory;
    out = scores + kKeyBlock * kQueryBlock;
    maximum = out + n.D * kQueryBlock;
    sum = maximum + kQueryBlock;
    rows = sum + kQueryBlock;
    q = reinterpret_cast<Unit<T>*>(rows + n.D * kQueryBlock);
    keys = q + n.D * kQueryBlock;
    values = keys + headUnits<T>(n, n.L);
  }
};

/** The keys and values of one head as left factors. */
template <class T>
struct Head {
  Matrix<Unit<T>> k, v;  // element (key, unit of D), element (d, unit of keys)

  Head(const Attention<T>& op, const AttentionShape& n, const Buffers<T>& buffers, int64_t head)
      : k(alongSize(n, op.k + n.start(head, n.L), n.L, buffers.keys)),
        v(alongRows(n, op.v + n.start(head, n.L), n.L, buffers.values)) {}
};

/** The largest of `keys` scores of each lane, or `most` where that is larger. */
DPO_INLINE Vec columnMaximum(const float* scores, int64_t keys, Vec most) {
  Vec other = most;
  int64_t key = 0;
  for (; key + 2 <= keys; key += 2) {
    const Vec a = load(scores + key * kQueryBlock), b = load(scores + (key + 1) * kQueryBlock);
    most = a > most ? a : most;
    other = b > other ? b : other;
  }
  if (key < keys) {
    const Vec a = load(scores + key * kQueryBlock);
    most = a > most ? a : most;
  }
  return most > other ? most : other;
}

/** Turns a block of scores into units of exp(score − maximum), rescaling what was summed up before. */
template <class T>
void softmaxBlock(const AttentionShape& n, const Buffers<T>& buffers, int64_t width, int64_t keys) {
  constexpr int64_t P = kPerUnit<T>;
  for (int64_t lane = 0; lane < width; lane += kLanes) {
    float* scores = buffers.scores + lane;
    auto* units = reinterpret_cast<Unit<T>*>(scores);  // overwrites only what has been read
    const Vec previous = load(buffers.maximum + lane);
    const Vec maximum = columnMaximum(scores, keys, previous);
    const auto weight = [&](int64_t key) DPO_INLINE_LAMBDA {
      return exp((load(scores + key * kQueryBlock) - maximum) * n.scale);
    };
    Vec total = {};
    for (int64_t key = 0; key < keys; key += P) {
      Vec p = weight(key);
      total += p;
      if constexpr (P == 2) {
        const Vec next = key + 1 < keys ? weight(key + 1) : Vec{};
        total += next;
        p = pairs(narrow(p), narrow(next));
      }
      store(units + key / P * kQueryBlock, p);
    }
    const Vec shrink = exp((previous - maximum) * n.scale);
    store(buffers.maximum + lane, maximum);
    store(buffers.sum + lane, load(buffers.sum + lane) * shrink + total);
    for (int64_t d = 0; d < n.D; d++) {
      float* out = buffers.out + d * kQueryBlock + lane;
      store(out, load(out) * shrink);
    }
  }
}

/** Divides by the sums, and writes the outputs and their log-sum-exp. */
template <class T>
void finish(const Attention<T>& op, const AttentionShape& n, const Buffers<T>& buffers,
            const Queries& queries) {
  for (int64_t lane = 0; lane < queries.width; lane += kLanes) {
    const Vec reciprocal = 1.f / load(buffers.sum + lane);
    for (int64_t d = 0; d < n.D; d++) {
      float* out = buffers.out + d * kQueryBlock + lane;
      store(out, load(out) * reciprocal);
    }
  }
  writeQueries(n, queries, buffers.out, buffers.rows, op.o);
  float* logSumExp = op.logSumExp + queries.head * n.S + queries.first;
  for (int64_t i = 0; i < queries.count; i++) {
    logSumExp[i] = buffers.maximum[i] * n.scale + __builtin_logf(buffers.sum[i]);
  }
}

template <class T>
void attendBlock(const Attention<T>& op, const AttentionShape& n, const Buffers<T>& buffers,
                 const Head<T>& head, const Queries& queries) {
  const auto* weights = reinterpret_cast<const Unit<T>*>(buffers.scores);
  packQueries(n, queries, op.q, buffers.q);
  memset(buffers.out, 0, n.D * kQueryBlock * sizeof(float));
  for (int64_t i = 0; i < kQueryBlock; i += kLanes) {
    store(buffers.maximum + i, splat(-__builtin_inff()));
    store(buffers.sum + i, Vec{});
  }
  const int64_t end = endOfKeys(n, queries, op.causal);
  for (int64_t first = 0; first < end; first += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, end - first);
    product<T, false>(keys, queries.width, unitsOf<T>(n.D), head.k.fromRow(first), buffers.q,
                      kQueryBlock, buffers.scores, kQueryBlock);
    if (op.causal) hideLaterKeys(queries, first, keys, buffers.scores);
    softmaxBlock(n, buffers, queries.width, keys);
    product<T, true>(n.D, queries.width, unitsOf<T>(keys), head.v.fromColumn(first / kPerUnit<T>),
                     weights, kQueryBlock, buffers.out, kQueryBlock);
  }
  finish(op, n, buffers, queries);
}

}  // namespace

template <class T>
void attention(const Attention<T>& op) {
  const AttentionShape n(op);
  const int64_t blocks = op.batch * n.H * n.queryBlocks;
  const int parts =
      static_cast<int>(smaller(partsFor(op.batch * n.H * n.S * n.L * n.D, 32768), blocks));
  parallel(parts, [&](int part) {
    const Buffers<T> buffers(n, scratch(Scratch::part, Buffers<T>::size(n)));
    const Range range = share(blocks, part, parts);
    for (int64_t block = range.begin; block < range.end;) {
      const int64_t index = block / n.queryBlocks;
      const Head<T> head(op, n, buffers, index);
      const int64_t end = smaller((index + 1) * n.queryBlocks, range.end);
      for (; block < end; block++) {
        attendBlock(op, n, buffers, head, Queries(n, index, block % n.queryBlocks));
      }
    }
  });
}

template void attention(const Attention<float>&);
template void attention(const Attention<bfloat16>&);

}  // namespace dpo::DPO_ISA

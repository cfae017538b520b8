// Attention without a stored score matrix: FlashAttention-2 (Dao, 2023), forward.
//
// A block of queries walks over the blocks of keys with a running maximum and a running sum.
#include "attention-blocks.h"
#include "table.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

constexpr int kKeyBlock = 128;  // 32 KB of scores

/** One thread's buffers, [· × kQueryBlock] with one query a lane. */
struct Buffers {
  float *q, *out, *scores;             // [D], [D], [kKeyBlock]
  float *maximum, *sum;                // [1], [1]

  static size_t size(const AttentionShape& n) { return kQueryBlock * (2 * n.D + kKeyBlock + 2); }

  Buffers(const AttentionShape& n, float* memory) {
    scores = memory;
    q = scores + kKeyBlock * kQueryBlock;
    out = q + n.D * kQueryBlock;
    maximum = out + n.D * kQueryBlock;
    sum = maximum + kQueryBlock;
  }
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

/** Turns a block of scores into exp(score − maximum), rescaling what was summed up before. */
void softmaxBlock(const AttentionShape& n, const Buffers& buffers, int64_t width, int64_t keys) {
  for (int64_t lane = 0; lane < width; lane += kLanes) {
    float* scores = buffers.scores + lane;
    const Vec previous = load(buffers.maximum + lane);
    const Vec maximum = columnMaximum(scores, keys, previous);
    Vec total = {};
    for (int64_t key = 0; key < keys; key++) {
      const Vec p = exp(load(scores + key * kQueryBlock) - maximum);
      store(scores + key * kQueryBlock, p);
      total += p;
    }
    const Vec shrink = exp(previous - maximum);
    store(buffers.maximum + lane, maximum);
    store(buffers.sum + lane, load(buffers.sum + lane) * shrink + total);
    for (int64_t d = 0; d < n.D; d++) {
      float* out = buffers.out + d * kQueryBlock + lane;
      store(out, load(out) * shrink);
    }
  }
}

/** Divides by the sums, and writes the outputs and their log-sum-exp. */
void finish(const Attention& op, const AttentionShape& n, const Buffers& buffers,
            const Queries& queries) {
  for (int64_t lane = 0; lane < queries.width; lane += kLanes) {
    const Vec reciprocal = 1.f / load(buffers.sum + lane);
    for (int64_t d = 0; d < n.D; d++) {
      float* out = buffers.out + d * kQueryBlock + lane;
      store(out, load(out) * reciprocal);
    }
  }
  transpose<float>(buffers.out, kQueryBlock, n.D, queries.count, op.o + queries.start(n), n.E);
  float* logSumExp = op.logSumExp + queries.head * n.S + queries.first;
  for (int64_t i = 0; i < queries.count; i++) {
    logSumExp[i] = buffers.maximum[i] + __builtin_logf(buffers.sum[i]);
  }
}

void attendBlock(const Attention& op, const AttentionShape& n, const Buffers& buffers,
                 const Queries& queries) {
  const float *k = op.k + n.start(queries.head, n.L), *v = op.v + n.start(queries.head, n.L);
  packQueries(n, queries, op.q, buffers.q);
  for (int64_t i = 0; i < n.D * kQueryBlock; i += kLanes) {
    store(buffers.q + i, load(buffers.q + i) * n.scale);
    store(buffers.out + i, Vec{});
  }
  for (int64_t i = 0; i < kQueryBlock; i += kLanes) {
    store(buffers.maximum + i, splat(-__builtin_inff()));
    store(buffers.sum + i, Vec{});
  }
  const int64_t end = endOfKeys(n, queries, op.causal);
  for (int64_t first = 0; first < end; first += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, end - first);
    product<false>(keys, queries.width, n.D, {k + first * n.E, n.E, 1}, buffers.q, kQueryBlock,
                   buffers.scores, kQueryBlock);
    if (op.causal) hideLaterKeys(queries, first, keys, buffers.scores);
    softmaxBlock(n, buffers, queries.width, keys);
    product<true>(n.D, queries.width, keys, {v + first * n.E, 1, n.E}, buffers.scores, kQueryBlock,
                  buffers.out, kQueryBlock);
  }
  finish(op, n, buffers, queries);
}

}  // namespace

void attention(const Attention& op) {
  const AttentionShape n(op);
  const int64_t blocks = op.batch * n.H * n.queryBlocks;
  const int parts =
      static_cast<int>(smaller(partsFor(op.batch * n.H * n.S * n.L * n.D, 32768), blocks));
  parallel(parts, [&](int part) {
    const Buffers buffers(n, scratch(Scratch::part, Buffers::size(n)));
    const Range range = share(blocks, part, parts);
    for (int64_t block = range.begin; block < range.end; block++) {
      attendBlock(op, n, buffers, Queries(n, block / n.queryBlocks, block % n.queryBlocks));
    }
  });
}

}  // namespace dpo::DPO_ISA

// Attention without a stored score matrix: FlashAttention-2 (Dao, 2023), forward.
//
// A block of queries walks over the blocks of keys with a running maximum and a running sum; the
// heads are read where they lie in [B, S, heads·D], so nothing is transposed in memory.
#include "attention-blocks.h"
#include "table.h"
#include "vector-math.h"

namespace dpo::DPO_ISA {
namespace {

/** One thread's buffers. */
struct Buffers {
  float *keysT, *values;              // packed keys [D × L] and values [L × D] of one head
  float *q, *out, *scores;            // one block of queries, its result, its scores
  float *maximum, *sum;               // one value for each query of the block

  static size_t size(const AttentionShape& n) {
    return n.keyBlocks * kKeyBlock * n.D + n.paddedL * n.paddedD +
           kQueryBlock * (2 * n.paddedD + kKeyBlock + 2);
  }

  Buffers(const AttentionShape& n, float* memory) {
    keysT = memory;
    scores = keysT + n.keyBlocks * kKeyBlock * n.D;
    values = scores + kQueryBlock * kKeyBlock;
    q = values + n.paddedL * n.paddedD;
    out = q + kQueryBlock * n.paddedD;
    maximum = out + kQueryBlock * n.paddedD;
    sum = maximum + kQueryBlock;
  }
};

/** Turns a row of scores into exp(score − maximum), zero where not visible; updates the sums. */
void softmaxRow(float* scores, int64_t visible, int64_t keys, float& maximum, float& total,
                float* out, int64_t paddedD) {
  const float previous = maximum;
  Vec most = splat(previous);
  int64_t i = 0;
  for (; i + kLanes <= visible; i += kLanes) {
    const Vec s = load(scores + i);
    most = s > most ? s : most;
  }
  float m = largest(most);
  for (; i < visible; i++) m = scores[i] > m ? scores[i] : m;
  Vec sums = {};
  forLanes(visible, [&](int64_t c, auto lanes) DPO_INLINE_LAMBDA {
    Vec p = exp(load(scores + c) - m);
    p = firstLanes(p, lanes);
    store(scores + c, p);
    sums += p;
  });
  for (int64_t c = roundUp(visible, kLanes); c < keys; c++) scores[c] = 0;
  if (m == previous) {
    total += sum(sums);
    return;
  }
  const float shrink = exp(splat(previous - m))[0];
  total = total * shrink + sum(sums);
  maximum = m;
  for (int64_t d = 0; d < paddedD; d += kLanes) store(out + d, load(out + d) * shrink);
}

void queryBlock(const Attention& op, const AttentionShape& n, const Buffers& buffers, int64_t head,
                int64_t firstQuery) {
  const int64_t queries = smaller(kQueryBlock, n.S - firstQuery);
  const int64_t at = n.start(head, n.S) + firstQuery * n.E;
  pack(n, op.q + at, queries, buffers.q);
  memset(buffers.out, 0, queries * n.paddedD * sizeof(float));
  for (int64_t i = 0; i < queries; i++) {
    buffers.maximum[i] = -__builtin_inff();
    buffers.sum[i] = 0;
  }
  const int64_t lastKey = op.causal ? smaller(n.L, firstQuery + queries) : n.L;
  for (int64_t first = 0; first < lastKey; first += kKeyBlock) {
    const int keys = static_cast<int>(smaller(kKeyBlock, n.L - first));
    const int width = static_cast<int>(roundUp(keys, kLanes));
    product<false>(static_cast<int>(queries), width, static_cast<int>(n.D),
                   {buffers.q, n.paddedD, 1}, buffers.keysT + first * n.D, width, buffers.scores,
                   kKeyBlock);
    for (int64_t i = 0; i < queries; i++) {
      softmaxRow(buffers.scores + i * kKeyBlock, visibleKeys(op.causal, firstQuery + i, first, keys),
                 keys, buffers.maximum[i], buffers.sum[i], buffers.out + i * n.paddedD, n.paddedD);
    }
    product<true>(static_cast<int>(queries), static_cast<int>(n.paddedD), keys,
                  {buffers.scores, kKeyBlock, 1}, buffers.values + first * n.paddedD, n.paddedD,
                  buffers.out, n.paddedD);
  }
  for (int64_t i = 0; i < queries; i++) {
    float* out = buffers.out + i * n.paddedD;
    const float reciprocal = 1.f / buffers.sum[i];
    for (int64_t d = 0; d < n.paddedD; d += kLanes) store(out + d, load(out + d) * reciprocal);
    op.logSumExp[head * n.S + firstQuery + i] =
        buffers.maximum[i] + __builtin_logf(buffers.sum[i]);
  }
  unpack(n, buffers.out, queries, op.o + at);
}

}  // namespace

void attention(const Attention& op) {
  const AttentionShape n(op);
  const int64_t blocks = op.batch * n.H * n.queryBlocks;
  const int64_t work = op.batch * n.H * n.S * n.L * n.D;
  const int parts = static_cast<int>(smaller(partsFor(work, 32768), blocks > 0 ? blocks : 1));
  parallel(parts, [&](int part) {
    const Buffers buffers(n, scratch(Scratch::part, Buffers::size(n)));
    const Range range = share(blocks, part, parts);
    int64_t packed = -1;
    for (int64_t block = range.begin; block < range.end; block++) {
      const int64_t head = block / n.queryBlocks;
      if (head != packed) {
        packTransposed(n, op.k + n.start(head, n.L), n.scale, buffers.keysT);
        pack(n, op.v + n.start(head, n.L), n.L, buffers.values);
        packed = head;
      }
      queryBlock(op, n, buffers, head, block % n.queryBlocks * kQueryBlock);
    }
  });
}

}  // namespace dpo::DPO_ISA

// DpoAttention and DpoAttentionGrad as operations.
#include "kernels.h"
#include "operations.h"

namespace dpo {
namespace {

/** q [B, S, heads·D]; k and v [B, L, heads·D]. */
bool shapesFit(OpContext& c, const Attributes& a, int firstInput) {
  const Shape &q = c.input(firstInput).shape, &k = c.input(firstInput + 1).shape;
  return c.require(q.rank == 3 && k.rank == 3 && q.dims[0] == k.dims[0] && q.dims[2] == k.dims[2],
                   "q and k must be [B, S, E] and [B, L, E]") &&
         c.requireSize(firstInput + 2, k.size()) &&
         c.require(k.dims[1] > 0, "there must be at least one key") &&
         c.require(a.heads > 0 && q.dims[2] > 0 && q.dims[2] % a.heads == 0,
                   "the last axis does not divide into the heads");
}

template <class T>
void attention(const Attributes& a, OpContext& c) {
  if (!shapesFit(c, a, 0)) return;
  const auto &q = c.input(0), &k = c.input(1), &v = c.input(2);
  const int64_t B = q.shape.dims[0], S = q.shape.dims[1], L = k.shape.dims[1];
  T* o = c.output<T>(0, q.shape);
  float* logSumExp = c.output(1, {B, a.heads, S});
  if (c.failed() || q.size == 0) return;
  kernelsOf<T>().attention({q.as<T>(), k.as<T>(), v.as<T>(), o, logSumExp, B, S, L, a.heads,
                       q.shape.dims[2] / a.heads, a.causal});
}

template <class T>
void attentionGrad(const Attributes& a, OpContext& c) {
  if (!shapesFit(c, a, 1)) return;
  const auto &dO = c.input(0), &q = c.input(1), &k = c.input(2), &v = c.input(3);
  const auto &o = c.input(4), &logSumExp = c.input(5);
  const int64_t B = q.shape.dims[0], S = q.shape.dims[1], L = k.shape.dims[1];
  if (!c.requireSize(0, q.size) || !c.requireSize(4, q.size) ||
      !c.requireSize(5, B * a.heads * S)) {
    return;
  }
  T* dq = c.output<T>(0, q.shape);
  T* dk = c.output<T>(1, k.shape);
  T* dv = c.output<T>(2, v.shape);
  if (c.failed() || k.size == 0) return;
  kernelsOf<T>().attentionGrad({dO.as<T>(), q.as<T>(), k.as<T>(), v.as<T>(), o.as<T>(),
                           logSumExp.floats(), dq, dk, dv, B, S, L, a.heads,
                           q.shape.dims[2] / a.heads, a.causal});
}

}  // namespace

void addAttentionOps(Operations& ops) {
  ops.add({"DpoAttention",
           {"heads: int", "causal: bool = false"},
           {"q: T", "k: T", "v: T"},
           {"o: T", "log_sum_exp: float"}},
          attention<float>, attention<bfloat16>);
  ops.add({"DpoAttentionGrad",
           {"heads: int", "causal: bool = false"},
           {"d_o: T", "q: T", "k: T", "v: T", "o: T", "log_sum_exp: float"},
           {"dq: T", "dk: T", "dv: T"}},
          attentionGrad<float>, attentionGrad<bfloat16>);
}

}  // namespace dpo

// DpoSilu, DpoGelu, DpoQuickGelu, DpoAdd, DpoUpsample2x and their gradients as operations.
#include "kernels.h"
#include "operations.h"

namespace dpo {
namespace {

template <class T, Activation function>
void activation(const Attributes&, OpContext& c) {
  const auto& x = c.input(0);
  T* y = c.output<T>(0, x.shape);
  if (!c.failed()) kernelsOf<T>().activate({function, x.as<T>(), nullptr, y, x.size});
}

template <class T, Activation function>
void activationGrad(const Attributes&, OpContext& c) {
  const auto &dy = c.input(0), &x = c.input(1);
  if (!c.requireSize(0, x.size)) return;
  T* dx = c.output<T>(0, x.shape);
  if (!c.failed()) kernelsOf<T>().activate({function, x.as<T>(), dy.as<T>(), dx, x.size});
}

template <class T>
void add(const Attributes&, OpContext& c) {
  const auto &a = c.input(0), &b = c.input(1);
  if (!c.requireSize(1, a.size)) return;
  T* y = c.output<T>(0, a.shape);
  if (!c.failed()) kernelsOf<T>().add(a.as<T>(), b.as<T>(), y, a.size);
}

template <class T>
void upsample(const Attributes&, OpContext& c) {
  const auto& x = c.input(0);
  const int64_t* n = x.shape.dims;
  if (!c.require(x.shape.rank == 4, "x must be [N, H, W, C]")) return;
  T* y = c.output<T>(0, {n[0], 2 * n[1], 2 * n[2], n[3]});
  if (c.failed() || x.size == 0) return;
  kernelsOf<T>().upsample({x.as<T>(), y, n[0], n[1], n[2], n[3]});
}

template <class T>
void upsampleGrad(const Attributes&, OpContext& c) {
  const auto& dy = c.input(0);
  const int64_t* n = dy.shape.dims;
  if (!c.require(dy.shape.rank == 4 && n[1] % 2 == 0 && n[2] % 2 == 0,
                 "dy must be [N, 2H, 2W, C]")) {
    return;
  }
  T* dx = c.output<T>(0, {n[0], n[1] / 2, n[2] / 2, n[3]});
  if (c.failed() || dy.size == 0) return;
  kernelsOf<T>().upsampleGrad({dy.as<T>(), dx, n[0], n[1] / 2, n[2] / 2, n[3]});
}

template <Activation function>
void addActivation(Operations& ops, const char* name, const char* gradName) {
  ops.add({name, {}, {"x: T"}, {"y: T"}}, activation<float, function>,
          activation<bfloat16, function>);
  ops.add({gradName, {}, {"dy: T", "x: T"}, {"dx: T"}},
          activationGrad<float, function>, activationGrad<bfloat16, function>);
}

}  // namespace

void addElementwiseOps(Operations& ops) {
  addActivation<Activation::silu>(ops, "DpoSilu", "DpoSiluGrad");
  addActivation<Activation::gelu>(ops, "DpoGelu", "DpoGeluGrad");
  addActivation<Activation::quickGelu>(ops, "DpoQuickGelu", "DpoQuickGeluGrad");
  ops.add({"DpoAdd", {}, {"a: T", "b: T"}, {"y: T"}}, add<float>,
          add<bfloat16>);
  ops.add({"DpoUpsample2x", {}, {"x: T"}, {"y: T"}}, upsample<float>,
          upsample<bfloat16>);
  ops.add({"DpoUpsample2xGrad", {}, {"dy: T"}, {"dx: T"}},
          upsampleGrad<float>, upsampleGrad<bfloat16>);
}

}  // namespace dpo

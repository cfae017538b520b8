// Declares an op to TensorFlow together with its CPU kernel.
#pragma once

#include <initializer_list>
#include <string>

#include "op-context.h"

namespace dpo {

enum class Effect { pure, writesInputs };

struct OpSpec {
  const char* name;
  /** TensorFlow's own notation: "groups: int", "x: T", "stats: float". */
  std::initializer_list<const char*> attributes, inputs, outputs;
  Effect effect;
};

/** The kernel's TensorFlow entry points; one pair of functions for each `Body`. */
void* newAttributes(TF_OpKernelConstruction* construction);
void deleteAttributes(void* attributes);

template <void (*Body)(const Attributes&, OpContext&)>
void compute(void* attributes, TF_OpKernelContext* context) {
  OpContext call(context);
  if (!call.failed()) Body(*static_cast<const Attributes*>(attributes), call);
}

using Compute = void (*)(void* attributes, TF_OpKernelContext* context);

/** An op's entry points by what T is in its specification: bfloat may be null. */
struct Computes {
  Compute float32, bfloat;
};

/** Returns an empty string, or why TensorFlow refused. */
std::string registerOp(const OpSpec& spec, const Computes& computes);

/** Registers ops one after the other, and keeps the first refusal. */
struct Registry {
  std::string error;

  void add(const OpSpec& spec, Compute float32, Compute bfloat = nullptr) {
    if (error.empty()) error = registerOp(spec, {float32, bfloat});
  }
};

/** All ops of this library; returns an empty string, or the first refusal. */
std::string registerNormOps();
std::string registerElementwiseOps();
std::string registerAttentionOps();
std::string registerMatrixOps();
std::string registerBufferOps();
std::string registerFileOps();

}  // namespace dpo

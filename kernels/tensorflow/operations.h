// The operations of this library: what each takes and returns, and what computes it.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "op-context.h"

namespace dpo {

struct OpSpec {
  const char* name;
  /** In TensorFlow's notation: "groups: int", "silu: bool = false"; "x: T", "w: W", "stats: float". */
  std::initializer_list<const char*> attributes, inputs, outputs;
};

using Compute = void (*)(const Attributes&, OpContext&);

/** What inputs may hold: T is the type of the activations, W that of a weight, which may be another. */
enum class Kind { T, W, float32, int32, int64 };

/** Attributes in the order in which calls hand them over; T only tells the type where no input does. */
enum class Slot { groups, heads, offset, stride, before, after, epsilon, silu, causal, same, T };
constexpr int kSlots = 11;
extern const char* const kSlotNames[kSlots];

/** A call's attributes by slot; NaN: not given. */
using Slots = const double*;

class Operation {
 public:
  Operation(const OpSpec& spec, Compute float32, Compute bfloat);

  const std::string& name() const { return name_; }
  int outputs() const { return outputs_; }
  /** Checks what was given, and runs on it. */
  void run(Slots given, OpContext& call) const;

 private:
  bool attributesFit(Slots given, OpContext& call) const;
  TF_DataType typeOf(Slots given, OpContext& call) const;

  std::string name_;
  bool takes_[kSlots] = {}, needs_[kSlots] = {};
  std::vector<Kind> inputs_;
  int outputs_;
  Compute float32_, bfloat_;
};

/** The operations, in the order in which they were added. */
class Operations {
 public:
  /** `bfloat` may be null: the op is of floats alone. */
  void add(const OpSpec& spec, Compute float32, Compute bfloat = nullptr) {
    all_.emplace_back(spec, float32, bfloat);
  }
  const std::vector<Operation>& all() const { return all_; }

 private:
  std::vector<Operation> all_;
};

void addNormOps(Operations& ops);
void addElementwiseOps(Operations& ops);
void addAttentionOps(Operations& ops);
void addMatrixOps(Operations& ops);
void addBufferOps(Operations& ops);
void addChannelOps(Operations& ops);
void addFileOps(Operations& ops);

/** All operations of this library. */
const std::vector<Operation>& operations();

}  // namespace dpo

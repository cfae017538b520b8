#include "operations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

namespace dpo {

const char* const kSlotNames[kSlots] = {"groups",  "heads", "offset", "stride", "before", "after",
                                        "epsilon", "silu",  "causal", "same",   "T"};

namespace {

/** Splits "name: type = default"; ends the process on what no specification of ours may be. */
struct Declared {
  std::string name, type;
  bool optional;

  explicit Declared(const char* text) {
    const char *colon = strstr(text, ": "), *equals = strstr(text, " = ");
    if (!colon) abort();
    name.assign(text, colon);
    type = equals ? std::string(colon + 2, equals) : std::string(colon + 2);
    optional = equals != nullptr;
  }
};

int slotOf(const std::string& name) {
  for (int i = 0; i < kSlots; i++) {
    if (name == kSlotNames[i]) return i;
  }
  abort();
}

Kind kindOf(const std::string& type) {
  if (type == "T") return Kind::T;
  if (type == "W") return Kind::W;
  if (type == "float") return Kind::float32;
  if (type == "int32") return Kind::int32;
  if (type == "int64") return Kind::int64;
  abort();
}

bool isActivation(TF_DataType type) { return type == TF_FLOAT || type == TF_BFLOAT16; }

/** Whether an input of this kind may have the type, in a call whose activations have the type T. */
bool fits(Kind kind, TF_DataType type, TF_DataType T) {
  switch (kind) {
    case Kind::T: return type == T;
    case Kind::W: return isActivation(type);
    case Kind::float32: return type == TF_FLOAT;
    case Kind::int32: return type == TF_INT32;
    case Kind::int64: return type == TF_INT64;
  }
  return false;
}

/** The given value, or `otherwise`. */
template <class Value>
Value valueOf(Slots given, Slot slot, Value otherwise) {
  const double value = given[static_cast<int>(slot)];
  return isnan(value) ? otherwise : static_cast<Value>(value);
}

Attributes attributesOf(Slots given) {
  Attributes a;
  a.groups = valueOf(given, Slot::groups, a.groups);
  a.heads = valueOf(given, Slot::heads, a.heads);
  a.offset = valueOf(given, Slot::offset, a.offset);
  a.stride = valueOf(given, Slot::stride, a.stride);
  a.before = valueOf(given, Slot::before, a.before);
  a.after = valueOf(given, Slot::after, a.after);
  a.epsilon = valueOf(given, Slot::epsilon, a.epsilon);
  a.silu = valueOf(given, Slot::silu, a.silu);
  a.causal = valueOf(given, Slot::causal, a.causal);
  a.same = valueOf(given, Slot::same, a.same);
  return a;
}

}  // namespace

Operation::Operation(const OpSpec& spec, Compute float32, Compute bfloat)
    : name_(spec.name), outputs_(static_cast<int>(spec.outputs.size())), float32_(float32),
      bfloat_(bfloat) {
  for (const char* text : spec.attributes) {
    const Declared declared(text);
    const int slot = slotOf(declared.name);
    takes_[slot] = true;
    needs_[slot] = !declared.optional;
  }
  for (const char* text : spec.inputs) inputs_.push_back(kindOf(Declared(text).type));
  takes_[static_cast<int>(Slot::T)] = true;
}

bool Operation::attributesFit(Slots given, OpContext& call) const {
  for (int i = 0; i < kSlots; i++) {
    const bool there = !isnan(given[i]);
    if (there ? takes_[i] : !needs_[i]) continue;
    const std::string message = there ? "it has no attribute " : "it needs the attribute ";
    return call.require(false, (message + kSlotNames[i]).c_str());
  }
  return true;
}

/** That of the inputs of kind T; without one, what the call says, or else float32. */
TF_DataType Operation::typeOf(Slots given, OpContext& call) const {
  const auto said = static_cast<TF_DataType>(valueOf(given, Slot::T, static_cast<int>(TF_FLOAT)));
  TF_DataType T = said;
  for (size_t i = 0; i < inputs_.size(); i++) {
    if (inputs_[i] != Kind::T) continue;
    T = call.input(static_cast<int>(i)).type();
    break;
  }
  const bool toldOtherwise = !isnan(given[static_cast<int>(Slot::T)]) && said != T;
  call.require(!toldOtherwise, "its inputs are not of the type T that it was called with");
  call.require(T == TF_FLOAT || (T == TF_BFLOAT16 && bfloat_), "it does not compute in this type");
  return T;
}

void Operation::run(Slots given, OpContext& call) const {
  const int count = static_cast<int>(inputs_.size());
  if (call.failed() || !attributesFit(given, call)) return;
  if (!call.require(call.inputCount() == count, "another number of inputs was given")) return;
  const TF_DataType T = typeOf(given, call);
  for (int i = 0; i < count && !call.failed(); i++) {
    if (fits(inputs_[i], call.input(i).type(), T)) continue;
    call.require(false, ("input " + std::to_string(i) + " has the wrong type").c_str());
  }
  if (!call.failed()) (T == TF_FLOAT ? float32_ : bfloat_)(attributesOf(given), call);
}

const std::vector<Operation>& operations() {
  static const Operations all = [] {
    Operations ops;
    for (const auto addGroup : {addNormOps, addElementwiseOps, addAttentionOps, addMatrixOps,
                                addBufferOps, addChannelOps, addFileOps}) {
      addGroup(ops);
    }
    return ops;
  }();
  return all.all();
}

}  // namespace dpo

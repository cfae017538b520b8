#include "register.h"

#include "tensorflow/c/ops.h"

namespace dpo {
namespace {

void unknownShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

/** Takes the status's message, if any, and frees it. */
std::string messageOf(const OpSpec& spec, TF_Status* status) {
  std::string message;
  if (TF_GetCode(status) != TF_OK) message = std::string(spec.name) + ": " + TF_Message(status);
  TF_DeleteStatus(status);
  return message;
}

std::string registerDefinition(const OpSpec& spec, const char* typeAttribute) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(spec.name);
  TF_OpDefinitionBuilderAddAttr(builder, typeAttribute);
  for (const char* attribute : spec.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char* input : spec.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : spec.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderSetIsStateful(builder, spec.effect == Effect::writesInputs);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, unknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(builder, status);
  return messageOf(spec, status);
}

std::string registerKernel(const OpSpec& spec, TF_DataType type, Compute run) {
  TF_KernelBuilder* builder = TF_NewKernelBuilder(spec.name, "CPU", newAttributes, run,
                                                  deleteAttributes);
  TF_Status* status = TF_NewStatus();
  TF_KernelBuilder_TypeConstraint(builder, "T", type, status);
  if (TF_GetCode(status) == TF_OK) TF_RegisterKernelBuilder(spec.name, builder, status);
  return messageOf(spec, status);
}

}  // namespace

void* newAttributes(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes;
  TF_Status* status = TF_NewStatus();
  const auto has = [&](const char* name) {
    return TF_OpKernelConstruction_HasAttr(construction, name, status);
  };
  const auto readInt = [&](const char* name, int64_t& value) {
    if (has(name)) TF_OpKernelConstruction_GetAttrInt64(construction, name, &value, status);
  };
  const auto readBool = [&](const char* name, bool& value) {
    TF_Bool read = 0;
    if (!has(name)) return;
    TF_OpKernelConstruction_GetAttrBool(construction, name, &read, status);
    value = read != 0;
  };
  readInt("groups", attributes->groups);
  readInt("heads", attributes->heads);
  readInt("offset", attributes->offset);
  readInt("stride", attributes->stride);
  readBool("silu", attributes->silu);
  readBool("causal", attributes->causal);
  readBool("same", attributes->same);
  if (has("epsilon")) {
    TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &attributes->epsilon, status);
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return attributes;
}

void deleteAttributes(void* attributes) { delete static_cast<Attributes*>(attributes); }

std::string registerOp(const OpSpec& spec, const Computes& computes) {
  const char* types = computes.bfloat ? "T: {float, bfloat16} = DT_FLOAT" : "T: {float} = DT_FLOAT";
  std::string refusal = registerDefinition(spec, types);
  if (refusal.empty()) refusal = registerKernel(spec, TF_FLOAT, computes.float32);
  if (refusal.empty() && computes.bfloat) {
    refusal = registerKernel(spec, TF_BFLOAT16, computes.bfloat);
  }
  return refusal;
}

}  // namespace dpo

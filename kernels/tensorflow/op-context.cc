#include "op-context.h"

#include <inttypes.h>
#include <stdio.h>

#include <string>

namespace dpo {

int64_t Shape::size() const {
  int64_t product = 1;
  for (int i = 0; i < rank; i++) product *= dims[i];
  return product;
}

OpContext::OpContext(TF_OpKernelContext* context)
    : context_(context), status_(TF_NewStatus()), inputCount_(TF_NumInputs(context)) {
  for (int i = 0; i < inputCount_; i++) {
    Input& input = inputs_[i];
    TF_GetInput(context, i, &input.tensor, status_);
    if (!require(TF_GetCode(status_) == TF_OK, "an input cannot be read")) return;
    const int rank = TF_NumDims(input.tensor);
    if (!require(rank <= kMostDimensions, "more than eight dimensions")) return;
    input.shape.rank = rank;
    for (int d = 0; d < rank; d++) input.shape.dims[d] = TF_Dim(input.tensor, d);
    input.size = input.shape.size();
    input.data = TF_TensorData(input.tensor);
  }
}

OpContext::~OpContext() {
  for (int i = 0; i < inputCount_; i++) {
    if (inputs_[i].tensor) TF_DeleteTensor(inputs_[i].tensor);
  }
  TF_DeleteStatus(status_);
}

void* OpContext::allocate(int i, const Shape& shape, TF_DataType type, size_t elementSize) {
  if (failed_) return nullptr;
  TF_Tensor* tensor = TF_AllocateOutput(context_, i, type, shape.dims, shape.rank,
                                        shape.size() * elementSize, status_);
  if (!require(TF_GetCode(status_) == TF_OK, "no memory for an output")) return nullptr;
  void* data = TF_TensorData(tensor);
  TF_DeleteTensor(tensor);  // the context keeps its own reference
  return data;
}

TF_Tensor* OpContext::share(int i) {
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context_, i, &tensor, status_);
  return require(TF_GetCode(status_) == TF_OK, "an input cannot be read") ? tensor : nullptr;
}

void OpContext::setOutput(int i, TF_Tensor* tensor) {
  TF_SetOutput(context_, i, tensor, status_);
  require(TF_GetCode(status_) == TF_OK, "the output cannot be set");
}

bool OpContext::require(bool holds, const char* message) {
  if (!holds && !failed_) fail(message);
  return holds;
}

bool OpContext::requireSize(int i, int64_t expected) {
  if (inputs_[i].size == expected) return true;
  char message[128];
  snprintf(message, sizeof message,
           "input %d must have %" PRId64 " elements, it has %" PRId64, i, expected,
           inputs_[i].size);
  return require(false, message);
}

void OpContext::fail(const char* message) {
  failed_ = true;
  const TF_StringView name = TF_GetOpKernelName(context_);
  const std::string text = std::string(name.data, name.len) + ": " + message;
  TF_SetStatus(status_, TF_INVALID_ARGUMENT, text.c_str());
  TF_OpKernelContext_Failure(context_, status_);
}

}  // namespace dpo

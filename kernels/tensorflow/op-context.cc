#include "op-context.h"

#include <inttypes.h>
#include <stdio.h>

#include "blocks.h"
#include "tensorflow/c/eager/c_api.h"

namespace dpo {
namespace {

/** The tensor's shape; of more dimensions than an op can have, the first. */
Shape shapeOf(const TF_Tensor* tensor) {
  Shape shape;
  const int rank = TF_NumDims(tensor);
  for (; shape.rank < rank && shape.rank < kMostDimensions; shape.rank++) {
    shape.dims[shape.rank] = TF_Dim(tensor, shape.rank);
  }
  return shape;
}

void giveBack(void* data, size_t, void* bytes) {
  giveBlock({data, reinterpret_cast<size_t>(bytes)});
}

/** A new tensor, holding anything; null when there is no memory. */
TF_Tensor* newTensor(TF_DataType type, const Shape& shape, size_t bytes) {
  if (bytes < kLargeBytes) return TF_AllocateTensor(type, shape.dims, shape.rank, bytes);
  const Block block = takeBlock(bytes);
  if (!block.data) return nullptr;
  return TF_NewTensor(type, shape.dims, shape.rank, block.data, bytes, giveBack,
                      reinterpret_cast<void*>(block.bytes));
}

}  // namespace

int64_t Shape::size() const {
  int64_t product = 1;
  for (int i = 0; i < rank; i++) product *= dims[i];
  return product;
}

OpContext::OpContext(const char* name) : name_(name), status_(TF_NewStatus()) {}

OpContext::~OpContext() {
  for (int i = 0; i < inputCount_; i++) {
    if (inputs_[i].tensor) TF_DeleteTensor(inputs_[i].tensor);
  }
  for (const Result& output : outputs_) {
    if (output.handle) TFE_DeleteTensorHandle(output.handle);
  }
  TF_DeleteStatus(status_);
}

void OpContext::addInput(TFE_TensorHandle* handle) {
  if (!require(inputCount_ < kMostInputs, "too many inputs")) return;
  Input& input = inputs_[inputCount_];
  given_[inputCount_++] = handle;
  input.tensor = TFE_TensorHandleResolve(handle, status_);
  if (!require(TF_GetCode(status_) == TF_OK, "an input cannot be read") ||
      !require(TF_NumDims(input.tensor) <= kMostDimensions, "more than eight dimensions")) {
    return;
  }
  input.shape = shapeOf(input.tensor);
  input.size = input.shape.size();
  input.data = TF_TensorData(input.tensor);
}

void* OpContext::allocate(int i, const Shape& shape, TF_DataType type, size_t elementSize) {
  if (failed()) return nullptr;
  TF_Tensor* tensor = newTensor(type, shape, shape.size() * elementSize);
  if (!require(tensor, "no memory for an output")) return nullptr;
  setOutput(i, tensor);
  void* data = TF_TensorData(tensor);
  TF_DeleteTensor(tensor);  // the output keeps its own reference
  return failed() ? nullptr : data;
}

TF_Tensor* OpContext::share(int i) {
  TF_Tensor* tensor = TFE_TensorHandleResolve(given_[i], status_);
  return require(TF_GetCode(status_) == TF_OK, "an input cannot be read") ? tensor : nullptr;
}

void OpContext::setOutput(int i, TF_Tensor* tensor) {
  TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor, status_);
  if (!require(TF_GetCode(status_) == TF_OK, "the output cannot be set")) return;
  outputs_[i] = {handle, shapeOf(tensor), TF_TensorType(tensor)};
}

void OpContext::setOutput(int i, TF_Tensor* tensor, const Shape& shape) {
  const int64_t none = 0;
  TF_Tensor* shaped = TF_AllocateTensor(TF_TensorType(tensor), &none, 1, 0);
  if (!require(shaped, "the output cannot be set")) return;
  TF_TensorBitcastFrom(tensor, TF_TensorType(tensor), shaped, shape.dims, shape.rank, status_);
  if (require(TF_GetCode(status_) == TF_OK, "the output cannot be set")) setOutput(i, shaped);
  TF_DeleteTensor(shaped);
}

Result OpContext::takeOutput(int i) {
  const Result output = outputs_[i];
  require(output.handle, "an output was never made");
  outputs_[i].handle = nullptr;
  return output;
}

Shape OpContext::shapeIn(int i) {
  const Input& sizes = inputs_[i];
  Shape shape;
  if (!require(sizes.size <= kMostDimensions, "more than eight dimensions")) return shape;
  for (int64_t d = 0; d < sizes.size; d++) {
    const int32_t size = sizes.as<int32_t>()[d];
    if (!require(size >= 0, "a dimension is negative")) return shape;
    shape.dims[shape.rank++] = size;
  }
  return shape;
}

bool OpContext::require(bool holds, const char* message) {
  if (!holds && !failed()) failure_ = std::string(name_) + ": " + message;
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

}  // namespace dpo

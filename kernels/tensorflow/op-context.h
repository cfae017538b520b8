// One call of an operation: its inputs, outputs, attributes and failure.
#pragma once

#include <stdint.h>

#include <initializer_list>
#include <string>

#include "addon/handle-table.h"
#include "kernels.h"
#include "tensorflow/c/tf_tensor.h"

namespace dpo {

constexpr int kMostDimensions = 8;
constexpr int kMostInputs = 8;
constexpr int kMostOutputs = 4;

/** TensorFlow's number for a type. */
template <class T>
constexpr TF_DataType kDataType = TF_FLOAT;
template <>
inline constexpr TF_DataType kDataType<bfloat16> = TF_BFLOAT16;

struct Shape {
  int rank = 0;
  int64_t dims[kMostDimensions] = {};

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) {
    for (const int64_t size : sizes) dims[rank++] = size;
  }
  int64_t size() const;
  int64_t last() const { return rank > 0 ? dims[rank - 1] : 1; }
};

/** The attributes an op may have; those it lacks keep these values. */
struct Attributes {
  int64_t groups = 1, heads = 1, offset = 0, stride = 1, before = 0, after = 0;
  float epsilon = 0;
  bool silu = false, causal = false, same = true;
};

/** A tensor of a call that the call alone owns. */
struct Result {
  TFE_TensorHandle* handle;
  Shape shape;
  TF_DataType type;
};

class OpContext {
 public:
  struct Input {
    TF_Tensor* tensor = nullptr;
    Shape shape;
    int64_t size = 0;
    void* data = nullptr;

    TF_DataType type() const { return TF_TensorType(tensor); }
    template <class T>
    T* as() const { return static_cast<T*>(data); }
    float* floats() const { return as<float>(); }
    /** The data, or null when the tensor is empty, which is how an op is told "none". */
    template <class T = float>
    T* orNull() const { return size > 0 ? as<T>() : nullptr; }
  };

  explicit OpContext(const char* name);
  ~OpContext();
  OpContext(const OpContext&) = delete;
  OpContext& operator=(const OpContext&) = delete;

  /** The shape that the integers of input i are; fails the op where they are none. */
  Shape shapeIn(int i);
  /** Takes the next input; fails the op where it is none that an op can read. */
  void addInput(TFE_TensorHandle* handle);
  int inputCount() const { return inputCount_; }
  const Input& input(int i) const { return inputs_[i]; }

  /** A new tensor as output i; null (with the op failed) when there is no memory. */
  template <class T = float>
  T* output(int i, const Shape& shape) {
    return static_cast<T*>(allocate(i, shape, kDataType<T>, sizeof(T)));
  }
  /** Another reference to input i, for the caller to delete; null (with the op failed) on error. */
  TF_Tensor* share(int i);
  /** Makes `tensor` itself output i: no copy. */
  void setOutput(int i, TF_Tensor* tensor);
  /** The same under another shape of as many elements. */
  void setOutput(int i, TF_Tensor* tensor, const Shape& shape);
  /** Hands output i over to the caller; fails the op where it was never made. */
  Result takeOutput(int i);

  /** Fails the op with "`name`: `message`" unless `holds`; returns `holds`. */
  bool require(bool holds, const char* message);
  /** As above, for "input `i` must have `expected` elements, it has …". */
  bool requireSize(int i, int64_t expected);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

 private:
  void* allocate(int i, const Shape& shape, TF_DataType type, size_t elementSize);

  const char* name_;
  TF_Status* status_;
  Input inputs_[kMostInputs];
  TFE_TensorHandle* given_[kMostInputs] = {};
  int inputCount_ = 0;
  Result outputs_[kMostOutputs] = {};
  std::string failure_;
};

}  // namespace dpo

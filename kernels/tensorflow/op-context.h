// A readable face for TensorFlow's C kernel API: inputs, outputs, attributes and failures of one call.
#pragma once

#include <stdint.h>

#include <initializer_list>

#include "kernels.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_tensor.h"

namespace dpo {

constexpr int kMostDimensions = 8;
constexpr int kMostInputs = 8;

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
  int64_t groups = 1, heads = 1, offset = 0, stride = 1;
  float epsilon = 0;
  bool silu = false, causal = false, same = true;
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

  explicit OpContext(TF_OpKernelContext* context);
  ~OpContext();
  OpContext(const OpContext&) = delete;
  OpContext& operator=(const OpContext&) = delete;

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

  /** Fails the op with "`name`: `message`" unless `holds`; returns `holds`. */
  bool require(bool holds, const char* message);
  /** As above, for "input `i` must have `expected` elements, it has …". */
  bool requireSize(int i, int64_t expected);
  bool failed() const { return failed_; }

 private:
  void* allocate(int i, const Shape& shape, TF_DataType type, size_t elementSize);
  void fail(const char* message);

  TF_OpKernelContext* context_;
  TF_Status* status_;
  Input inputs_[kMostInputs];
  int inputCount_;
  bool failed_ = false;
};

}  // namespace dpo

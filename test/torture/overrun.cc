// The control of the bounds check: an addon that writes one float past the end of a TensorFlow tensor.
#include <node_api.h>

#include "tensorflow/c/tf_tensor.h"

NAPI_MODULE_INIT() {
  const int64_t shape[] = {3};
  TF_Tensor *tensor = TF_AllocateTensor(TF_FLOAT, shape, 1, 3 * sizeof(float));
  static_cast<volatile float *>(TF_TensorData(tensor))[TF_TensorElementCount(tensor)] = 1;
  TF_DeleteTensor(tensor);
  return exports;
}

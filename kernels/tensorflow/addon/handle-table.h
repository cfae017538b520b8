// How the kernels' addon reaches the tensors that tfjs-node-gpu's addon holds: a table of functions that the one exports
// to the other through JavaScript.
#pragma once

#include <cstdint>

struct TFE_TensorHandle;

namespace dpo {

struct HandleTable {
  void *backend;
  // The tensor of this id, which stays the backend's; nullptr where there is none.
  TFE_TensorHandle *(*find)(void *backend, int64_t id);
  // The id of a new tensor, which is the backend's from then on.
  int64_t (*insert)(void *backend, TFE_TensorHandle *handle);
};

}  // namespace dpo

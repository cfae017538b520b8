// What our edits (edits.mjs) add to tfjs-node-gpu's addon: tensors of every fixed-size element type, made by copying,
// and a choice of the first tensor id. Copying, because a tensor that shares memory with JavaScript releases it from
// whatever thread drops it last, where no call into JavaScript is allowed.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_tensor.h"

namespace dpo {

// 0, unless DPO_FIRST_TENSOR_ID names another: so a test reaches ids that no test has the time to count up to.
inline int64_t firstTensorId() {
  const char *first = std::getenv("DPO_FIRST_TENSOR_ID");
  return first ? std::strtoll(first, nullptr, 10) : 0;
}

// Kind of typed array that holds elements of a type; bits as Uint16Array and bytes as Uint8Array where JavaScript has
// no such number.
inline napi_typedarray_type arrayTypeOf(TF_DataType dtype) {
  switch (dtype) {
    case TF_FLOAT:
    case TF_COMPLEX64:
      return napi_float32_array;
    case TF_DOUBLE:
      return napi_float64_array;
    case TF_INT64:
      return napi_bigint64_array;
    case TF_UINT64:
      return napi_biguint64_array;
    case TF_INT32:
      return napi_int32_array;
    case TF_UINT32:
      return napi_uint32_array;
    case TF_INT16:
      return napi_int16_array;
    case TF_UINT16:
    case TF_BFLOAT16:
    case TF_HALF:
      return napi_uint16_array;
    case TF_INT8:
      return napi_int8_array;
    default:
      return napi_uint8_array;
  }
}

inline size_t bytesPerElement(napi_typedarray_type type) {
  switch (type) {
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    case napi_float32_array:
    case napi_int32_array:
    case napi_uint32_array:
      return 4;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    default:
      return 1;
  }
}

// The array kind of the type, or its raw bytes; tfjs itself writes int64 as pairs of int32.
inline bool accepts(TF_DataType dtype, napi_typedarray_type type) {
  return type == arrayTypeOf(dtype) || type == napi_uint8_array ||
         (dtype == TF_INT64 && type == napi_int32_array);
}

inline TFE_TensorHandle *refuse(napi_env env, const char *message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

// A handle on a copy of `array`; on failure nullptr and a pending JavaScript error.
inline TFE_TensorHandle *handleFromTypedArray(napi_env env, const int64_t *shape, uint32_t rank,
                                              TF_DataType dtype, napi_value array) {
  napi_typedarray_type type;
  size_t length = 0;
  void *data = nullptr;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok)
    return refuse(env, "createTensor() could not read its typed array.");
  const size_t width = TF_DataTypeSize(dtype);
  char message[160];
  if (width == 0 || !accepts(dtype, type)) {
    std::snprintf(message, sizeof message,
                  "Tensor type does not match the typed array: TensorFlow dtype %d, array kind %d.",
                  static_cast<int>(dtype), static_cast<int>(type));
    return refuse(env, message);
  }
  size_t elements = 1;
  bool counted = true;  // as a number of elements that size_t holds
  for (uint32_t i = 0; i < rank; i++)
    counted &= shape[i] >= 0 &&
               !__builtin_mul_overflow(elements, static_cast<size_t>(shape[i]), &elements);
  const size_t bytes = length * bytesPerElement(type);
  if (!counted || bytes % width != 0 || elements != bytes / width) {
    std::snprintf(message, sizeof message,
                  "Shape does not match the typed array: %zu elements of %zu bytes, got %zu bytes.",
                  elements, width, bytes);
    return refuse(env, message);
  }
  TF_Tensor *tensor = TF_AllocateTensor(dtype, shape, static_cast<int>(rank), bytes);
  if (!tensor) return refuse(env, "TensorFlow could not allocate a tensor.");
  if (bytes > 0) std::memcpy(TF_TensorData(tensor), data, bytes);
  TF_Status *status = TF_NewStatus();
  TFE_TensorHandle *handle = TFE_NewTensorHandle(tensor, status);
  TF_DeleteTensor(tensor);
  if (TF_GetCode(status) != TF_OK) handle = refuse(env, TF_Message(status));
  TF_DeleteStatus(status);
  return handle;
}

// Reads a tensor of a type that the addon itself does not read; false for the types that it does.
inline bool readHandle(napi_env env, TFE_TensorHandle *handle, napi_value *result) {
  const TF_DataType dtype = TFE_TensorHandleDataType(handle);
  switch (dtype) {
    case TF_FLOAT:
    case TF_COMPLEX64:
    case TF_INT32:
    case TF_INT64:
    case TF_BOOL:
    case TF_STRING:
    case TF_RESOURCE:
      return false;
    default:
      break;
  }
  if (TF_DataTypeSize(dtype) == 0) return false;
  TF_Status *status = TF_NewStatus();
  TF_Tensor *tensor = TFE_TensorHandleResolve(handle, status);
  if (TF_GetCode(status) != TF_OK) {
    refuse(env, TF_Message(status));
  } else {
    const napi_typedarray_type type = arrayTypeOf(dtype);
    const size_t bytes = TF_TensorByteSize(tensor);
    napi_value buffer = nullptr;
    void *copy = nullptr;
    if (napi_create_arraybuffer(env, bytes, &copy, &buffer) != napi_ok ||
        napi_create_typedarray(env, type, bytes / bytesPerElement(type), buffer, 0, result) !=
            napi_ok)
      refuse(env, "tensorDataSync() could not make a typed array.");
    else if (bytes > 0)
      std::memcpy(copy, TF_TensorData(tensor), bytes);
    TF_DeleteTensor(tensor);
  }
  TF_DeleteStatus(status);
  return true;
}

}  // namespace dpo

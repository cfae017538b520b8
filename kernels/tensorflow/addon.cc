// The Node addon: loading it registers the ops, once in a process. Exports isa, threads, setThreads.
#include <node_api.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdlib>
#include <string>
#include <utility>

#include "cpu.h"
#include "register.h"
#include "threads.h"

namespace dpo {
namespace {

std::string registerAll() {
  for (const auto group : {registerNormOps, registerElementwiseOps, registerAttentionOps,
                           registerMatrixOps, registerBufferOps, registerFileOps}) {
    const std::string error = group();
    if (!error.empty()) return error;
  }
  return "";
}

// glibc moves the size from which blocks are mapped up to the largest it has seen freed, 32 MB at most. Activations
// below that then share its heap with what outlives them, and the heap grows with every step. A fixed size stops that.
// The heap's end then goes back to the system at 128 KB, to be asked for again by the next operation: so much of it is kept.
void keepHeapWhole() {
#ifdef __GLIBC__
  constexpr int mappedFrom = 8 << 20, trimmedFrom = 64 << 20;
  if (std::getenv("MALLOC_MMAP_THRESHOLD_") == nullptr) mallopt(M_MMAP_THRESHOLD, mappedFrom);
  if (std::getenv("MALLOC_TRIM_THRESHOLD_") == nullptr) mallopt(M_TRIM_THRESHOLD, trimmedFrom);
#endif
}

napi_value threads(napi_env env, napi_callback_info) {
  napi_value count = nullptr;
  napi_create_int32(env, threadCount(), &count);
  return count;
}

napi_value setThreads(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  int32_t wanted = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_int32(env, argument, &wanted) != napi_ok || wanted < 1) {
    napi_throw_range_error(env, nullptr, "setThreads expects a whole number of at least 1.");
    return nullptr;
  }
  setThreadCount(wanted);
  return nullptr;
}

napi_value addon(napi_env env, napi_value exports) {
  static const std::string error = registerAll();  // worker threads load the addon again
  if (!error.empty()) {
    napi_throw_error(env, nullptr, ("TensorFlow refused a kernel. " + error).c_str());
    return nullptr;
  }
  keepHeapWhole();
  napi_value isa = nullptr;
  napi_create_string_utf8(env, isaName(chosenIsa()), NAPI_AUTO_LENGTH, &isa);
  napi_set_named_property(env, exports, "isa", isa);
  for (const auto& [name, function] :
       {std::pair("threads", threads), std::pair("setThreads", setThreads)}) {
    napi_value value = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  }
  return exports;
}

}  // namespace
}  // namespace dpo

NAPI_MODULE_INIT() { return dpo::addon(env, exports); }

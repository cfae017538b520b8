// The Node addon. Exports isa, threads, setThreads; operations and attributes, their names; connect and run, by which
// operations are called.
#include <node_api.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdlib>
#include <string>
#include <utility>

#include "blocks.h"
#include "cpu.h"
#include "operations.h"
#include "tensorflow/c/eager/c_api.h"
#include "threads.h"

namespace dpo {
namespace {

// glibc moves the size from which blocks are mapped up to the largest it has seen freed, 32 MB at most. Activations
// below that then share its heap with what outlives them, and the heap grows with every step. A fixed size stops that.
// The heap's end then goes back to the system at 128 KB, to be asked for again by the next operation: so much of it is kept.
void keepHeapWhole() {
#ifdef __GLIBC__
  constexpr int trimmedFrom = 64 << 20;
  if (std::getenv("MALLOC_MMAP_THRESHOLD_") == nullptr) mallopt(M_MMAP_THRESHOLD, kMappedBytes);
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

/**
 * What a thread of JavaScript and the operations hand each other: a call's attributes by slot and its inputs' ids;
 * then of each output id, type, rank and dimensions.
 */
constexpr size_t kFrame = 64;
static_assert(kSlots + kMostInputs <= kFrame && kMostOutputs * (3 + kMostDimensions) <= kFrame);

struct Connection {
  const HandleTable* handles;
  double* frame;
  napi_ref frameReference;
};

napi_value fail(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

/** connect(dpoHandles): lets operations of this thread reach the tensors; returns the frame, each time the same. */
napi_value connect(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handles = nullptr, buffer = nullptr, frame = nullptr;
  Connection* connection = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&connection));
  if (connection) {
    napi_get_reference_value(env, connection->frameReference, &frame);
    return frame;
  }
  connection = new Connection{};
  void *table = nullptr, *data = nullptr;
  napi_get_cb_info(env, info, &count, &handles, nullptr, nullptr);
  if (count < 1 || napi_get_value_external(env, handles, &table) != napi_ok ||
      napi_create_arraybuffer(env, kFrame * sizeof(double), &data, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_float64_array, kFrame, buffer, 0, &frame) != napi_ok ||
      napi_create_reference(env, frame, 1, &connection->frameReference) != napi_ok) {
    delete connection;
    return fail(env, "connect expects the export dpoHandles of tfjs-node-gpu's addon.");
  }
  connection->handles = static_cast<const HandleTable*>(table);
  connection->frame = static_cast<double*>(data);
  const auto free = [](napi_env, void* data, void*) { delete static_cast<Connection*>(data); };
  napi_set_instance_data(env, connection, free, nullptr);
  return frame;
}

/** Reads the inputs' ids from the frame. */
void addInputs(const Connection& at, int inputs, OpContext& call) {
  for (int i = 0; i < inputs && !call.failed(); i++) {
    const double number = at.frame[kSlots + i];
    const int64_t id = number >= 0 && number < 0x1p53 ? static_cast<int64_t>(number) : -1;
    TFE_TensorHandle* handle = at.handles->find(at.handles->backend, id);
    if (handle) call.addInput(handle);
    else call.require(false, ("there is no tensor of id " + std::to_string(id)).c_str());
  }
}

/** Writes the outputs into the frame. */
void writeOutputs(const Connection& at, int outputs, OpContext& call) {
  Result results[kMostOutputs];
  for (int i = 0; i < outputs; i++) results[i] = call.takeOutput(i);
  double* to = at.frame;
  for (int i = 0; i < outputs; i++) {
    const auto& [handle, shape, type] = results[i];
    if (call.failed()) {
      if (handle) TFE_DeleteTensorHandle(handle);
      continue;
    }
    *to++ = static_cast<double>(at.handles->insert(at.handles->backend, handle));
    *to++ = type;
    *to++ = shape.rank;
    for (int d = 0; d < shape.rank; d++) *to++ = static_cast<double>(shape.dims[d]);
  }
}

/** run(operation, inputs, outputs): the `operation`-th of `operations` on so many inputs of the frame. */
napi_value run(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  uint32_t operation = 0, inputs = 0, outputs = 0;
  Connection* connection = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  napi_get_instance_data(env, reinterpret_cast<void**>(&connection));
  if (!connection) return fail(env, "connect must be called before run.");
  if (count < 3 || napi_get_value_uint32(env, arguments[0], &operation) != napi_ok ||
      napi_get_value_uint32(env, arguments[1], &inputs) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &outputs) != napi_ok ||
      operation >= operations().size() || inputs > kFrame - kSlots) {
    return fail(env, "run expects an operation's number and how many inputs and outputs it has.");
  }
  const Operation& op = operations()[operation];
  OpContext call(op.name().c_str());
  addInputs(*connection, static_cast<int>(inputs), call);
  call.require(static_cast<int>(outputs) == op.outputs(), "another number of outputs was asked for");
  op.run(connection->frame, call);
  if (!call.failed()) writeOutputs(*connection, op.outputs(), call);
  return call.failed() ? fail(env, call.failure()) : nullptr;
}

/** An array of name(0) … name(count − 1). */
template <class Name>
napi_value namesOf(napi_env env, size_t count, Name name) {
  napi_value names = nullptr, text = nullptr;
  napi_create_array(env, &names);
  for (uint32_t i = 0; i < count; i++) {
    napi_create_string_utf8(env, name(i), NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, names, i, text);
  }
  return names;
}

napi_value addon(napi_env env, napi_value exports) {
  keepHeapWhole();
  napi_value isa = nullptr;
  napi_create_string_utf8(env, isaName(chosenIsa()), NAPI_AUTO_LENGTH, &isa);
  napi_set_named_property(env, exports, "isa", isa);
  const napi_value names = namesOf(env, operations().size(),
                                   [](uint32_t i) { return operations()[i].name().c_str(); });
  const napi_value slots = namesOf(env, kSlots, [](uint32_t i) { return kSlotNames[i]; });
  napi_set_named_property(env, exports, "operations", names);
  napi_set_named_property(env, exports, "attributes", slots);
  for (const auto& [name, function] :
       {std::pair("threads", threads), std::pair("setThreads", setThreads),
        std::pair("connect", connect), std::pair("run", run)}) {
    napi_value value = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  }
  return exports;
}

}  // namespace
}  // namespace dpo

NAPI_MODULE_INIT() { return dpo::addon(env, exports); }

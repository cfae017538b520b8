// The export `dpoHandles` that our edits (edits.mjs) add to tfjs-node-gpu's addon: an external value on a HandleTable.
#pragma once

#include <node_api.h>

#include "handle-table.h"
#include "tfjs_backend.h"

namespace dpo {

// A friend of the backend.
struct HandleAccess {
  static TFE_TensorHandle *find(void *backend, int64_t id) {
    auto &handles = static_cast<tfnodejs::TFJSBackend *>(backend)->tfe_handle_map_;
    const auto entry = handles.find(id);
    return entry == handles.end() ? nullptr : entry->second;
  }
  static int64_t insert(void *backend, TFE_TensorHandle *handle) {
    return static_cast<tfnodejs::TFJSBackend *>(backend)->InsertHandle(handle);
  }
};

inline napi_status exportHandles(napi_env env, napi_value exports, tfnodejs::TFJSBackend *backend) {
  auto *table = new HandleTable{backend, HandleAccess::find, HandleAccess::insert};
  const auto free = [](napi_env, void *data, void *) { delete static_cast<HandleTable *>(data); };
  napi_value value = nullptr;
  const napi_status made = napi_create_external(env, table, free, nullptr, &value);
  return made == napi_ok ? napi_set_named_property(env, exports, "dpoHandles", value) : made;
}

}  // namespace dpo

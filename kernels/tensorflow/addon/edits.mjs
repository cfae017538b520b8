// Our changes to the C++ sources of @tensorflow/tfjs-node-gpu 4.22.0 (folder binding/), made to copies of them when the
// addon is compiled. What a change needs beyond a word or two is in the headers beside this.

const wideIds =
  'handle ids count in int64: int32 ids turn negative after 2^31 operations, and nothing is freed any more';
const kernelsReach =
  "the kernels' addon finds tensors by their ids and adds its results, without TensorFlow's dispatch of operations";
const anyType =
  'handles hold every element type, and no thread of TensorFlow calls into JavaScript';

/**
 * One replacement of a text that must occur exactly `times` times.
 * @typedef {{ file: string, find: string, times: number, replace: string, reason: string }} Edit
 */

const edit = (reason, file, times, find, replace) => ({ file, find, times, replace, reason });

/** @type {readonly Edit[]} */
export const edits = [
  edit(wideIds, 'tfjs_backend.h', 1, 'int32_t InsertHandle', 'int64_t InsertHandle'),
  edit(wideIds, 'tfjs_backend.h', 1, 'int32_t next_tensor_id_', 'int64_t next_tensor_id_'),
  edit(wideIds, 'tfjs_backend.h', 1, 'int32_t, TFE_TensorHandle', 'int64_t, TFE_TensorHandle'),
  edit(
    wideIds,
    'tfjs_backend.cc',
    1,
    '#include "utils.h"',
    '#include "utils.h"\n#include "handles.h"',
  ),
  edit(
    wideIds,
    'tfjs_backend.cc',
    1,
    'next_tensor_id_(0)',
    'next_tensor_id_(dpo::firstTensorId())',
  ),
  edit(
    wideIds,
    'tfjs_backend.cc',
    1,
    'int32_t TFJSBackend::InsertHandle',
    'int64_t TFJSBackend::InsertHandle',
  ),
  edit(wideIds, 'tfjs_backend.cc', 2, 'int32(env, InsertHandle(', 'int64(env, InsertHandle('),
  edit(wideIds, 'tfjs_backend.cc', 2, 'int32_t tensor_id;', 'int64_t tensor_id;'),
  edit(wideIds, 'tfjs_backend.cc', 2, 'int32(env, tensor_id_value,', 'int64(env, tensor_id_value,'),
  edit(
    wideIds,
    'tfjs_backend.cc',
    2,
    'int32_t cur_input_tensor_id;',
    'int64_t cur_input_tensor_id;',
  ),
  edit(wideIds, 'tfjs_backend.cc', 2, 'int32(env, cur_input_id,', 'int64(env, cur_input_id,'),
  edit(wideIds, 'tfjs_backend.cc', 5, '(tensor_id: %d)', '(tensor_id: %lld)'),
  edit(
    kernelsReach,
    'tfjs_backend.h',
    1,
    '#include "tensorflow/c/eager/c_api.h"',
    '#include "tensorflow/c/eager/c_api.h"\n\nnamespace dpo {\nstruct HandleAccess;\n}',
  ),
  edit(
    kernelsReach,
    'tfjs_backend.h',
    1,
    ' private:',
    ' private:\n  friend struct ::dpo::HandleAccess;',
  ),
  edit(
    kernelsReach,
    'tfjs_binding.cc',
    1,
    '#include "utils.h"',
    '#include "utils.h"\n#include "handle-access.h"',
  ),
  edit(
    kernelsReach,
    'tfjs_binding.cc',
    1,
    '  // TF version',
    '  nstatus = dpo::exportHandles(env, exports, backend);\n  ENSURE_NAPI_OK_RETVAL(env, nstatus, exports);\n\n  // TF version',
  ),
  edit(
    anyType,
    'tfjs_backend.cc',
    1,
    'return CreateTFE_TensorHandleFromTypedArray(',
    'return dpo::handleFromTypedArray(',
  ),
  edit(
    anyType,
    'tfjs_backend.cc',
    1,
    '  CopyTFE_TensorHandleDataToJSData(env,',
    '  if (!dpo::readHandle(env, tensor_entry->second, &js_value))\n    CopyTFE_TensorHandleDataToJSData(env,',
  ),
];

// A Node addon that decides what TensorFlow says on the error stream, loaded before TensorFlow is.
//
// TensorFlow's libraries log while they are being loaded, before anything could lower their level
// (absl::SetMinLogLevel) and before they read TF_CPP_MIN_LOG_LEVEL. On Linux a function of the same
// name in a library that was loaded globally is used in place of their own, so this one answers from
// the start. Messages of that level and above (0 info, 1 warning, 2 error, 3 fatal) are shown.
// macOS binds names to libraries: there it has no effect, and the messages are shown.
#include <node_api.h>

#include <cstdlib>

#include "absl/base/log_severity.h"
#include "absl/log/globals.h"

namespace absl {
ABSL_NAMESPACE_BEGIN

__attribute__((visibility("default"))) LogSeverityAtLeast MinLogLevel() {
  static const int level = [] {
    const char* wanted = std::getenv("TF_CPP_MIN_LOG_LEVEL");
    return wanted == nullptr ? 0 : std::atoi(wanted);
  }();
  return static_cast<LogSeverityAtLeast>(level);
}

ABSL_NAMESPACE_END
}  // namespace absl

NAPI_MODULE_INIT() {
  static_cast<void>(env);
  return exports;
}

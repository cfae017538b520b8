// Memory of large results. The system gives it page by page as they are first touched, which takes as long as many an
// operation computes: what is given back is kept for the next result of about its size.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace dpo {

/** Results of so many bytes are taken from here: malloc would ask the system for each. */
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kLargeBytes = SIZE_MAX;  // it watches the ends of what malloc gives
#else
constexpr size_t kLargeBytes = 8 << 20;
#endif

struct Block {
  void* data;
  size_t bytes;
};

/** At least so many bytes, holding anything; data is null where the system has no such memory. */
Block takeBlock(size_t bytes);
void giveBlock(Block block);

}  // namespace dpo

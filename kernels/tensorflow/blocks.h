// Memory of large results. The system gives it page by page as they are first touched, which takes as long as many an
// operation computes: what is given back is kept for the next result of about its size.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace dpo {

/** From here on malloc asks the system for each block (addon.cc sets it so). */
constexpr int kMappedBytes = 8 << 20;

/** Results of so many bytes are taken from here. */
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kLargeBytes = SIZE_MAX;  // it watches the ends of what malloc gives
#else
constexpr size_t kLargeBytes = kMappedBytes;
#endif

struct Block {
  void* data;
  size_t bytes;
};

/** At least so many bytes, holding anything; data is null where the system has no such memory. */
Block takeBlock(size_t bytes);
void giveBlock(Block block);

}  // namespace dpo

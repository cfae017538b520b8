#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace dpo {
namespace {

constexpr double kSlow = 1.2e9;  // bytes a second; small pages allow more
std::atomic<bool> hugePages{true};

/** Some systems refuse, and then go their own way. */
void advise(void* data, size_t bytes, int advice) {
  const uintptr_t page = sysconf(_SC_PAGESIZE), start = reinterpret_cast<uintptr_t>(data);
  const uintptr_t first = start / page * page;
  madvise(reinterpret_cast<void*>(first), start + bytes - first, advice);
}

}  // namespace

#ifdef MADV_HUGEPAGE
void choosePages(void* data, size_t bytes) {
  advise(data, bytes, hugePages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}
#else
void choosePages(void*, size_t) {}
#endif

#ifdef MADV_POPULATE_WRITE
void makePages(void* data, size_t bytes) {
  const auto begun = std::chrono::steady_clock::now();
  advise(data, bytes, MADV_POPULATE_WRITE);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (bytes >= kPagesBytes && bytes < kSlow * took.count()) hugePages = false;
}
#else
void makePages(void*, size_t) {}
#endif

}  // namespace dpo

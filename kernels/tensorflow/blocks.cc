#include "blocks.h"

#include <sys/mman.h>

#include <mutex>
#include <vector>

namespace dpo {
namespace {

/** What is kept beside what is in use, so that a step of training finds again most of what it gave back. */
constexpr size_t kMostIdle = 256 << 20;
/** Sizes are multiples of it, so that those of nearly equal results are equal. */
constexpr size_t kUnit = 64 << 10;

class Blocks {
 public:
  Block take(size_t bytes) {
    const size_t wanted = (bytes + kUnit - 1) / kUnit * kUnit;
    const std::lock_guard lock(mutex_);
    size_t best = idle_.size();
    for (size_t i = 0; i < idle_.size(); i++) {  // of equal ones the last, which may still be in a cache
      if (idle_[i].bytes < wanted || idle_[i].bytes > wanted + wanted / 8) continue;
      if (best == idle_.size() || idle_[i].bytes <= idle_[best].bytes) best = i;
    }
    if (best < idle_.size()) return remove(best);
    Block fresh = map(wanted);
    if (!fresh.data) {
      shrinkTo(0);
      fresh = map(wanted);
    }
    return fresh;
  }

  void give(Block block) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(block);
    idleBytes_ += block.bytes;
    shrinkTo(kMostIdle);
  }

 private:
  static Block map(size_t bytes) {
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return {data == MAP_FAILED ? nullptr : data, bytes};
  }

  Block remove(size_t i) {
    const Block block = idle_[i];
    idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(i));
    idleBytes_ -= block.bytes;
    return block;
  }

  /** The oldest go first. */
  void shrinkTo(size_t bytes) {
    while (idleBytes_ > bytes) {
      const Block oldest = remove(0);
      munmap(oldest.data, oldest.bytes);
    }
  }

  std::mutex mutex_;
  std::vector<Block> idle_;  // in the order in which they were given back
  size_t idleBytes_ = 0;
};

/** Never destroyed: tensors may go after all else, when the process ends. */
Blocks& blocks() {
  static Blocks& all = *new Blocks;
  return all;
}

}  // namespace

Block takeBlock(size_t bytes) { return blocks().take(bytes); }
void giveBlock(Block block) { blocks().give(block); }

}  // namespace dpo

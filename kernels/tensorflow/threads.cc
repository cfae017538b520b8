#include "threads.h"

#include <pthread.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "float-mode.h"

namespace dpo {
namespace {

constexpr int kSpins = 8000;  // over 100 µs: longer than the gap between two kernels

/** A counter that threads can sleep on until it changes. */
class Signal {
 public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  void advance() {
    value_.fetch_add(1);
    if (sleepers_.load() > 0) wakeAll();
  }

  /** Returns once the counter differs from `seen`. */
  void waitWhile(uint32_t seen) {
    for (int spin = 0; spin < kSpins; spin++) {
      if (value() != seen) return;
      pause();
    }
    sleepers_.fetch_add(1);
    while (value_.load() == seen) sleep(seen);
    sleepers_.fetch_sub(1);
  }

 private:
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

#if defined(__linux__)
  void sleep(uint32_t seen) {
    syscall(SYS_futex, &value_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
  }
  void wakeAll() { syscall(SYS_futex, &value_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0); }
#else
  void sleep(uint32_t seen) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return value_.load() != seen; });
  }
  void wakeAll() {
    std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
#endif

  std::atomic<uint32_t> value_{0};
  std::atomic<int> sleepers_{0};
};

struct Job {
  void (*body)(const void*, int) = nullptr;
  const void* context = nullptr;
};

class Pool {
 public:
  void run(int parts, Job job) {
    std::unique_lock<std::mutex> lock(inUse_, std::try_to_lock);
    if (!lock.owns_lock()) {
      for (int part = 0; part < parts; part++) job.body(job.context, part);
      return;
    }
    startWorkers();
    job_ = job;
    unfinished_.store(parts);
    const uint64_t generation = (claim_.load() >> 32) + 1;
    claim_.store(generation << 32 | static_cast<uint64_t>(parts) << 16);
    jobs_.advance();
    runClaimedParts();
    for (uint32_t seen = done_.value(); unfinished_.load() > 0; seen = done_.value()) {
      done_.waitWhile(seen);
    }
  }

 private:
  /** Workers are detached and never end: at process exit they sleep, and the pool is never freed. */
  void startWorkers() {
    for (; workers_ < threadCount() - 1; workers_++) {
      try {
        std::thread([this] { work(); }).detach();
      } catch (const std::system_error&) {
        return;  // no more threads to be had: those that exist do all parts
      }
    }
  }

  [[noreturn]] void work() {
    const FlushDenormals flush;
    for (;;) {
      const uint32_t seen = jobs_.value();
      runClaimedParts();
      jobs_.waitWhile(seen);
    }
  }

  void runClaimedParts() {
    int part;
    while ((part = claimPart()) >= 0) {
      job_.body(job_.context, part);
      if (unfinished_.fetch_sub(1) == 1) done_.advance();
    }
  }

  /** The next unclaimed part, or −1. The generation keeps a late thread off the following job. */
  int claimPart() {
    uint64_t claim = claim_.load();
    while ((claim & 0xffff) < (claim >> 16 & 0xffff)) {
      if (claim_.compare_exchange_weak(claim, claim + 1)) return static_cast<int>(claim & 0xffff);
    }
    return -1;
  }

  std::mutex inUse_;
  int workers_ = 0;
  Job job_;
  std::atomic<uint64_t> claim_{0};  // generation << 32 | parts << 16 | next part
  std::atomic<int> unfinished_{0};
  Signal jobs_, done_;
};

Pool* pool = nullptr;
std::once_flag poolOnce;
std::atomic<int> threads{1};

/** A forked child has none of the parent's threads: it starts again with an empty pool. */
void forgetPool() {
  if (pool) pool = new Pool;
}

}  // namespace

int threadCount() { return threads.load(std::memory_order_relaxed); }

void setThreadCount(int count) { threads.store(std::max(1, std::min(count, 1024))); }

int partsFor(int64_t work, int64_t grain) {
  return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(threadCount(), work / grain)));
}

Range share(int64_t n, int part, int parts) {
  return {n * part / parts, n * (part + 1) / parts};
}

void runParts(int parts, void (*body)(const void*, int), const void* context) {
  const FlushDenormals flush;
  if (parts <= 1 || parts > 0xffff || threadCount() == 1) {
    for (int part = 0; part < parts; part++) body(context, part);
    return;
  }
  std::call_once(poolOnce, [] {
    pool = new Pool;
    pthread_atfork(nullptr, nullptr, forgetPool);
  });
  pool->run(parts, {body, context});
}

float* scratch(Scratch purpose, size_t floats) {
  struct Buffer {
    float* data = nullptr;
    size_t capacity = 0;
    ~Buffer() { free(data); }
  };
  thread_local Buffer buffers[3];
  Buffer& buffer = buffers[static_cast<int>(purpose)];
  if (buffer.capacity < floats) {
    free(buffer.data);
    buffer.capacity = 0;
    void* memory = nullptr;
    const size_t bytes = (floats * sizeof(float) + 4095) / 4096 * 4096;
    if (posix_memalign(&memory, 64, bytes) != 0) abort();
    buffer = {static_cast<float*>(memory), bytes / sizeof(float)};
  }
  return buffer.data;
}

}  // namespace dpo

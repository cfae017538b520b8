// The kernels' own thread pool: a few threads that spin briefly, then sleep.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace dpo {

/** Threads a kernel may use, the calling one included. */
int threadCount();

/** Sets the number of threads (≥ 1), 1 before the first call. Not to be called while a kernel runs. */
void setThreadCount(int threads);

/** Into how many parts `work` splits when a part is to hold at least `grain`; 1 … threadCount(). */
int partsFor(int64_t work, int64_t grain);

struct Range {
  int64_t begin, end;
};

/** The `part`-th of `parts` nearly equal stretches of 0 … n−1. */
Range share(int64_t n, int part, int parts);

/**
 * Runs body(context, part) for part = 0 … parts−1 and returns when all are done. Which thread runs
 * which part is open, so results depend on `parts` alone. When another thread already uses the
 * pool, the caller runs every part itself.
 */
void runParts(int parts, void (*body)(const void* context, int part), const void* context);

/** Runs body(part) for part = 0 … parts−1, in parallel. */
template <class Body>
void parallel(int parts, const Body& body) {
  runParts(
      parts, [](const void* context, int part) { (*static_cast<const Body*>(context))(part); },
      &body);
}

/** Working memory by purpose: the caller's own survives while the parts use theirs. */
enum class Scratch { shared, factor, part };

/** This thread's working memory, 64-byte aligned, contents undefined; valid until the next call. */
float* scratch(Scratch purpose, size_t floats);

}  // namespace dpo

// Denormal numbers cost up to a hundred times more than others, so kernels treat them as zero.
#pragma once

#include <stdint.h>

namespace dpo {

/** While it lives, this thread's denormal inputs and results are zero; the old mode then returns. */
class FlushDenormals {
 public:
  FlushDenormals() : previous_(read()) { write(previous_ | kFlags); }
  ~FlushDenormals() { write(previous_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  using Mode = unsigned int;
  static constexpr Mode kFlags = 0x8040;  // MXCSR: flush to zero, denormals are zero
  static Mode read() { return __builtin_ia32_stmxcsr(); }
  static void write(Mode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
  using Mode = uint64_t;
  static constexpr Mode kFlags = Mode{1} << 24;  // FPCR: FZ
  static Mode read() {
    Mode mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(Mode mode) { asm volatile("msr fpcr, %0" ::"r"(mode)); }
#else
  using Mode = int;
  static constexpr Mode kFlags = 0;
  static Mode read() { return 0; }
  static void write(Mode) {}
#endif
  Mode previous_;
};

}  // namespace dpo

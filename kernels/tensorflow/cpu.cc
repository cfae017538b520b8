#include "cpu.h"

#include <stdlib.h>
#include <string.h>

namespace dpo {
namespace {

bool supported(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (isa == Isa::avx512bf16) return avx512 && __builtin_cpu_supports("avx512bf16");
  if (isa == Isa::avx512) return avx512;
  if (isa == Isa::avx2) return avx2;
#endif
  return isa == Isa::portable;
}

}  // namespace

const char* isaName(Isa isa) {
  switch (isa) {
    case Isa::avx512bf16:
      return "avx512bf16";
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    default:
      return "portable";
  }
}

Isa chosenIsa() {
  const Isa widestFirst[] = {Isa::avx512bf16, Isa::avx512, Isa::avx2, Isa::portable};
  const char* wanted = getenv("DPO_ISA");
  for (const Isa isa : widestFirst) {
    if (wanted && *wanted && strcmp(wanted, isaName(isa)) != 0) continue;
    if (supported(isa)) return isa;
  }
  return Isa::portable;
}

}  // namespace dpo

#include "cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

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

#if defined(__linux__)
/** Processors granted by the control group's quota (versions 2 and 1), or `limit` without one. */
int quotaProcessors(int limit) {
  double quota = -1, period = -1;
  if (FILE* file = fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (fscanf(file, "%lf %lf", &quota, &period) != 2) quota = -1;  // "max 100000": no quota
    fclose(file);
  } else {
    const char* const paths[] = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                                 "/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
    double* const values[] = {&quota, &period};
    for (int i = 0; i < 2; i++) {
      FILE* part = fopen(paths[i], "r");
      if (!part) return limit;
      if (fscanf(part, "%lf", values[i]) != 1) *values[i] = -1;
      fclose(part);
    }
  }
  if (quota <= 0 || period <= 0) return limit;
  return std::min(limit, std::max(1, static_cast<int>(quota / period + 0.5)));
}
#endif

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

int availableProcessors() {
  if (const char* wanted = getenv("DPO_THREADS")) {
    const int threads = atoi(wanted);
    if (threads > 0) return std::min(threads, 1024);
  }
  int processors = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) processors = CPU_COUNT(&allowed);
  processors = quotaProcessors(processors);
#endif
  return std::max(1, processors);
}

}  // namespace dpo

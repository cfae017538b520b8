#include "cpu.h"
#include "kernels.h"

namespace dpo {

namespace portable {
extern const KernelTable table;
}
#if defined(__x86_64__)
namespace avx2 {
extern const KernelTable table;
}
namespace avx512 {
extern const KernelTable table;
}
namespace avx512bf16 {
extern const KernelTable table;
}
#endif

const KernelTable& kernels() {
  static const KernelTable& chosen = []() -> const KernelTable& {
    switch (chosenIsa()) {
#if defined(__x86_64__)
      case Isa::avx512bf16:
        return avx512bf16::table;
      case Isa::avx512:
        return avx512::table;
      case Isa::avx2:
        return avx2::table;
#endif
      default:
        return portable::table;
    }
  }();
  return chosen;
}

}  // namespace dpo

// What the machine offers: its instruction sets.
#pragma once

namespace dpo {

enum class Isa { portable, avx2, avx512, avx512bf16 };

/** The widest instruction set that this processor has and this build contains; DPO_ISA overrides. */
Isa chosenIsa();

const char* isaName(Isa isa);

}  // namespace dpo

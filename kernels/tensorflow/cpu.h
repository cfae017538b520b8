// What the machine offers: instruction sets and processor time.
#pragma once

namespace dpo {

enum class Isa { portable, avx2, avx512, avx512bf16 };

/** The widest instruction set that this processor has and this build contains; DPO_ISA overrides. */
Isa chosenIsa();

const char* isaName(Isa isa);

/** Processors this process may use: CPU affinity and control-group quota; DPO_THREADS overrides. */
int availableProcessors();

}  // namespace dpo

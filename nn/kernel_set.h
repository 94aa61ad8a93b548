#pragma once

#include <string_view>

namespace palaestra::nn {

/// Instruction sets that matrix products have kernels for. The results are equal in every bit; only
/// their speed differs.
enum class KernelSet : unsigned char { kAvx2, kAvx512 };

/// What products run on: the widest set of this CPU, or the one that PALAESTRA_KERNELS in the
/// environment names (read once). Throws UserError for a name other than avx2 and avx512, and for
/// avx512 on a CPU without it.
KernelSet kernel_set();

std::string_view name_of(KernelSet set);

/// PALAESTRA_KERNELS as it was found; empty where nothing was asked for.
std::string_view kernel_override();

}  // namespace palaestra::nn

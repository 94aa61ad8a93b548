#include <palaestra/nn/kernel_set.h>

#include <cstdlib>

#include <palaestra/core/cpu.h>
#include <palaestra/core/error.h>

namespace palaestra::nn {

std::string_view kernel_override() {
  const char* value = std::getenv("PALAESTRA_KERNELS");
  return value == nullptr ? "" : value;
}

KernelSet kernel_set() {
  static const KernelSet chosen = [] {
    const bool wide = cpu_level() >= 4;
    const std::string_view asked = kernel_override();
    require(asked.empty() || asked == "avx2" || asked == "avx512", "PALAESTRA_KERNELS is \"", asked,
            "\"; accepted: avx2, avx512");
    require(asked != "avx512" || wide, "PALAESTRA_KERNELS is avx512, which this CPU lacks");
    return wide && asked != "avx2" ? KernelSet::kAvx512 : KernelSet::kAvx2;
  }();
  return chosen;
}

std::string_view name_of(KernelSet set) { return set == KernelSet::kAvx2 ? "avx2" : "avx512"; }

}  // namespace palaestra::nn

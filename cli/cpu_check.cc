// Compiled without the instruction set of the rest, and run before any of it.
#include <cstdio>
#include <cstdlib>

namespace {

/// A CPU without AVX2 gets a message instead of an illegal instruction.
__attribute__((constructor(101))) void check_cpu() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("bmi2")) {
    std::fputs("palaestra: this CPU lacks AVX2, FMA or BMI2, which this build needs (x86-64-v3)\n",
               stderr);
    std::_Exit(2);
  }
}

}  // namespace

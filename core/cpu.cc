// Compiled for plain x86-64 and free of inline functions of others: the linker could otherwise pick
// a copy made for a newer CPU.

#include <palaestra/core/cpu.h>

#include <cpuid.h>

namespace palaestra {
namespace {

using detail::CpuId;

struct Feature {
  const char* name;
  unsigned CpuId::*word;
  unsigned mask;
  int level;  // of x86-64 that asks for it
};

// bits as in Intel's and AMD's manuals; the order is that of the message
constexpr Feature kFeatures[] = {
    {"SSE3", &CpuId::leaf1_ecx, 1u << 0, 2},
    {"SSSE3", &CpuId::leaf1_ecx, 1u << 9, 2},
    {"CMPXCHG16B", &CpuId::leaf1_ecx, 1u << 13, 2},
    {"SSE4.1", &CpuId::leaf1_ecx, 1u << 19, 2},
    {"SSE4.2", &CpuId::leaf1_ecx, 1u << 20, 2},
    {"POPCNT", &CpuId::leaf1_ecx, 1u << 23, 2},
    {"AVX", &CpuId::leaf1_ecx, 1u << 28, 3},
    {"OSXSAVE", &CpuId::leaf1_ecx, 1u << 27, 3},
    {"saved AVX registers", &CpuId::xcr0, 0b110u, 3},
    {"AVX2", &CpuId::leaf7_ebx, 1u << 5, 3},
    {"FMA", &CpuId::leaf1_ecx, 1u << 12, 3},
    {"F16C", &CpuId::leaf1_ecx, 1u << 29, 3},
    {"MOVBE", &CpuId::leaf1_ecx, 1u << 22, 3},
    {"BMI1", &CpuId::leaf7_ebx, 1u << 3, 3},
    {"BMI2", &CpuId::leaf7_ebx, 1u << 8, 3},
    {"LZCNT", &CpuId::extended_ecx, 1u << 5, 3},
    {"saved AVX-512 registers", &CpuId::xcr0, 0b11100110u, 4},
    {"AVX512F", &CpuId::leaf7_ebx, 1u << 16, 4},
    {"AVX512DQ", &CpuId::leaf7_ebx, 1u << 17, 4},
    {"AVX512CD", &CpuId::leaf7_ebx, 1u << 28, 4},
    {"AVX512BW", &CpuId::leaf7_ebx, 1u << 30, 4},
    {"AVX512VL", &CpuId::leaf7_ebx, 1u << 31, 4},
};

const char* first_missing(const CpuId& id, int level) noexcept {
  for (const Feature& feature : kFeatures) {
    if (feature.level <= level && (id.*feature.word & feature.mask) != feature.mask) {
      return feature.name;
    }
  }
  return nullptr;
}

CpuId this_cpu() noexcept {
  CpuId id{0, 0, 0, 0};
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
    id.leaf1_ecx = c;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    id.leaf7_ebx = b;
  }
  if (__get_cpuid(0x80000001u, &a, &b, &c, &d) != 0) {
    id.extended_ecx = c;
  }
  if ((id.leaf1_ecx & (1u << 27)) != 0) {  // XGETBV exists
    unsigned low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    id.xcr0 = low;
  }
  return id;
}

}  // namespace

namespace detail {

const char* missing_cpu_feature(const CpuId& id) noexcept { return first_missing(id, 3); }

int cpu_level(const CpuId& id) noexcept {
  int level = 4;
  while (level > 1 && first_missing(id, level) != nullptr) {
    --level;
  }
  return level;
}

}  // namespace detail

const char* missing_cpu_feature() noexcept { return detail::missing_cpu_feature(this_cpu()); }

int cpu_level() noexcept { return detail::cpu_level(this_cpu()); }

}  // namespace palaestra

#pragma once

namespace palaestra {

/// The first instruction-set extension of x86-64-v3 that this CPU or its operating system lacks, as
/// "AVX2", or a null pointer when all are there. May be called before anything else: the file is
/// compiled for plain x86-64 and calls nothing. A program built for x86-64-v3 asks this first and
/// prints a message instead of dying of an illegal instruction.
const char* missing_cpu_feature() noexcept;

inline bool cpu_supported() noexcept { return missing_cpu_feature() == nullptr; }

/// The highest x86-64 level (1 to 4) that the running CPU has.
int cpu_level() noexcept;

namespace detail {

/// The registers of CPUID that matter here, and XCR0.
struct CpuId {
  unsigned leaf1_ecx, leaf7_ebx, extended_ecx, xcr0;
};
const char* missing_cpu_feature(const CpuId& id) noexcept;
int cpu_level(const CpuId& id) noexcept;

}  // namespace detail

}  // namespace palaestra

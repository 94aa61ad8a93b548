#include <palaestra/core/version.h>

#include <doctest/doctest.h>

#include <string>

#include <palaestra/core/cpu.h>

using namespace palaestra;

TEST_CASE("a build says what it is") {
  CHECK(version().find('.') != std::string_view::npos);
  const std::string_view id = commit();
  CHECK((id == "unknown" || id.find_first_not_of("0123456789abcdef") >= 7));
  CHECK((compiler().starts_with("GCC ") || compiler().starts_with("clang ")));
  CHECK(instruction_set() == "x86-64-v3");
}

TEST_CASE("the machine that runs the tests can run them") {
  CHECK(cpu_supported());
  CHECK(cpu_level() >= 3);
  const Machine m = machine();
  CHECK(!m.cpu.empty());
  CHECK(m.cores >= 1);
  CHECK(m.logical_cpus >= m.cores);
  CHECK(m.memory_bytes > (Index{1} << 28));
  CHECK(m.load_average >= 0);
  CHECK(m.system.starts_with("Linux "));
}

TEST_CASE("a CPU that lacks an extension is told which") {
  const detail::CpuId all{~0u, ~0u, ~0u, ~0u};
  CHECK(detail::missing_cpu_feature(all) == nullptr);
  CHECK(detail::cpu_level(all) == 4);
  detail::CpuId haswell = all;
  haswell.leaf7_ebx &= ~(1u << 16);  // AVX-512F
  CHECK(detail::missing_cpu_feature(haswell) == nullptr);
  CHECK(detail::cpu_level(haswell) == 3);
  detail::CpuId sandy_bridge = haswell;
  sandy_bridge.leaf7_ebx = 0;
  CHECK(std::string(detail::missing_cpu_feature(sandy_bridge)) == "AVX2");
  CHECK(detail::cpu_level(sandy_bridge) == 2);
  detail::CpuId old_kernel = all;
  old_kernel.xcr0 = 0b011;  // x87 and SSE only
  CHECK(std::string(detail::missing_cpu_feature(old_kernel)) == "saved AVX registers");
  CHECK(detail::cpu_level({0, 0, 0, 0}) == 1);
}

#include <palaestra/core/version.h>

#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include <palaestra/core/cpu.h>
#include <palaestra/core/error.h>
#include <palaestra/core/parallel.h>

#include "palaestra_build.h"  // made by build_info.cmake

namespace palaestra {

std::string_view version() { return kBuildVersion; }

std::string_view commit() { return kBuildCommit; }

std::string_view compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

std::string_view instruction_set() {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
  return "x86-64-v4";
#elif defined(__AVX2__) && defined(__FMA__) && defined(__BMI2__)
  return "x86-64-v3";
#else
  return "x86-64";
#endif
}

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

int logical_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

}  // namespace

Machine machine() {
  Machine m;
  m.cpu = cpu_model();
  m.level = cpu_level();
  m.cores = physical_cores();
  m.logical_cpus = logical_cpus();
  m.memory_bytes = Index{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  double load = 0;
  m.load_average = getloadavg(&load, 1) == 1 ? load : 0;
  utsname name{};
  if (uname(&name) == 0) {
    m.system = concat(name.sysname, " ", name.release);
  }
  return m;
}

}  // namespace palaestra

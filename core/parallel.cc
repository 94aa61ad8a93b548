#include <palaestra/core/parallel.h>

#include <sched.h>

#include <fstream>
#include <set>
#include <string>

#include <palaestra/core/error.h>

namespace palaestra {
namespace {

/// The first logical CPU of the core that `cpu` belongs to; `cpu` itself where that is unknown.
int first_sibling(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                     "/topology/thread_siblings_list");
  int first = cpu;
  file >> first;
  return first;
}

}  // namespace

int physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    return std::max(1, omp_get_num_procs());
  }
  std::set<int> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) {
      cores.insert(first_sibling(cpu));
    }
  }
  return std::max(1, static_cast<int>(cores.size()));
}

Threads::Threads(int count) : count_(count) {
  require(count >= 0 && count <= 1024, "threads is ", count,
          "; accepted: 0 (one per physical core) to 1024");
  if (count == 0) {
    count_ = physical_cores();
  }
}

}  // namespace palaestra

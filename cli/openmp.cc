#include <palaestra/cli/openmp.h>

#include <unistd.h>

#include <cstdlib>

namespace palaestra::cli {

void let_idle_threads_sleep(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) {
    return;
  }
  constexpr const char* kSpins = "2000";  // some 0.1 ms: longer than the pause between two regions
  if (setenv("GOMP_SPINCOUNT", kSpins, 0) == 0) {
    execv("/proc/self/exe", argv);  // returns only where it fails; training is then slower, no more
  }
}

}  // namespace palaestra::cli

#pragma once

#include <string>
#include <string_view>

#include <palaestra/core/types.h>

namespace palaestra {

/// "0.1.0"
std::string_view version();
/// The commit this was built from, 12 digits, with "-dirty" behind it when files differed;
/// "unknown" when it was not built from a git checkout.
std::string_view commit();
/// "GCC 12.2.0", "clang 14.0.6"
std::string_view compiler();
/// What this build needs: "x86-64-v3".
std::string_view instruction_set();

/// The machine a run happens on, without anything that names it.
struct Machine {
  std::string cpu;          ///< model name as the system gives it
  int level = 0;            ///< highest x86-64 level of the running CPU
  int cores = 0;            ///< physical ones this process may use
  int logical_cpus = 0;     ///< the same with hyper-threads
  Index memory_bytes = 0;   ///< of the whole machine
  double load_average = 0;  ///< over the last minute
  std::string system;       ///< kernel, "Linux 6.1.0"
};
Machine machine();

}  // namespace palaestra

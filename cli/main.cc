#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include <palaestra/cli/command_line.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/openmp.h>

namespace palaestra::cli {
namespace {

/// Commands without state to save end at once; the others install an InterruptGuard.
void end_at_once(int) {
  constexpr std::string_view kWord = "palaestra: interrupted\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kWord.data(), kWord.size());
  _exit(kInterrupted);
}

}  // namespace
}  // namespace palaestra::cli

int main(int argc, char** argv) {
  // Mesa, which draws MuJoCo's tasks, keeps compiled shaders in the user's home; ours are few
  setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
  palaestra::cli::let_idle_threads_sleep(argv);
  signal(SIGINT, palaestra::cli::end_at_once);
  signal(SIGTERM, palaestra::cli::end_at_once);
  signal(SIGXFSZ, SIG_IGN);  // a file over its limit is an error that is reported, like a full disk
  return palaestra::cli::run_command_line(argc, argv);
}

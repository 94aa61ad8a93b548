#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace palaestra::cli {

/// This program once more, in a process of its own, its output in files. It is the very file that
/// this process was started from, also where another build has taken its place since. It is asked
/// to end (SIGTERM) when this process does, however that ends, and when the object goes.
class Child {
 public:
  struct End {
    int status = -1;  ///< exit code, or 128 + signal
    double cpu_s = 0, wall_s = 0;
  };

  /// The first word of `command` is the name that it goes by. Throws UserError when the program
  /// cannot be started or the files cannot be written.
  Child(const std::vector<std::string>& command, const std::filesystem::path& output,
        const std::filesystem::path& errors);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  /// How it ended, once it has; never waits.
  std::optional<End> ended();
  /// Asks it to end.
  void interrupt() const;
  /// Becomes readable when the program ends; -1 where the system has no such thing.
  int descriptor() const { return descriptor_; }

 private:
  std::optional<End> reap(int flags);

  pid_t pid_ = -1;
  int descriptor_ = -1;
  double start_ = 0;
  std::optional<End> end_;
};

/// Sleeps until one of the programs has ended, a signal has come, or the time is over. May return
/// earlier.
void wait_for_any(const std::vector<const Child*>& children, std::chrono::milliseconds most);

}  // namespace palaestra::cli

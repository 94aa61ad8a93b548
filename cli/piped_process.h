#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <palaestra/cli/process.h>

namespace palaestra::cli {

/// A running program that is fed through its standard input. It writes nothing to standard output;
/// what it writes to standard error is kept. Ended (SIGKILL) with this object unless it was
/// finished.
class PipedProcess {
 public:
  /// Starts a program found on PATH, without a shell. Throws UserError when it cannot be started.
  explicit PipedProcess(const std::vector<std::string>& command);
  ~PipedProcess();
  PipedProcess(const PipedProcess&) = delete;
  PipedProcess& operator=(const PipedProcess&) = delete;

  /// Waits until the program has taken the bytes. False when it does not listen any more: finish()
  /// then says why.
  bool write(std::span<const std::byte> bytes);
  /// Ends its input and waits for it.
  ProcessResult finish();

 private:
  void close_input();

  pid_t child_ = -1;
  int input_ = -1;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> errors_;
};

}  // namespace palaestra::cli

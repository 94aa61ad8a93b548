#pragma once

#include <string>
#include <utility>
#include <vector>

namespace palaestra::cli {

struct ProcessResult {
  int status = -1;     ///< exit code, or 128 + signal; -1 when the program could not be started
  std::string output;  ///< what it wrote to standard output
  std::string errors;  ///< the end of what it wrote to standard error
};

/// Exit code, or 128 + signal, of what waitpid() says.
int exit_code_of(int status);

/// What exec and its sisters take: the words, and a null behind them. Valid as long as `words`.
std::vector<char*> argument_pointers(std::vector<std::string>& words);

/// Runs a program, found on PATH, without a shell, with these variables added to its environment
/// and nothing on its standard input.
ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::pair<std::string, std::string>>& environment = {});

}  // namespace palaestra::cli

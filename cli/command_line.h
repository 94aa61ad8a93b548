#pragma once

namespace palaestra::cli {

/// What the program does: reads the command line, runs its command, and reports on standard error
/// what goes wrong. Returns the exit code.
int run_command_line(int argc, char** argv);

}  // namespace palaestra::cli

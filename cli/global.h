#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <palaestra/core/parallel.h>

namespace CLI {
class App;
}

namespace palaestra::cli {

/// Exit codes of the command line: see docs/command_line.md.
enum ExitCode : int { kDone = 0, kDefect = 1, kUserError = 2, kGateFailed = 3, kInterrupted = 130 };

/// Thrown out of a command that was interrupted and has nothing to save.
struct Interrupted {};

/// What every command accepts, wherever it stands on the line.
struct Global {
  std::optional<std::string> json;  ///< given: "" for standard output, else a file
  bool quiet = false;
  int threads = 0;  ///< 0: one per physical core
  std::uint64_t seed = 0;
  bool seed_given = false;

  Threads thread_count() const { return Threads(threads); }

  /// Takes the file of --json. Throws UserError at once, and not after hours of work, when its
  /// folder is not there.
  void set_json(const std::string& file);
  /// Where results for people go: standard output, or standard error once --json has taken that.
  std::ostream& human() const;
  /// A remark on standard error; nothing under --quiet.
  void note(std::string_view text) const;
  /// The one JSON document of the command, when it was asked for.
  void write_json(const nlohmann::ordered_json& document) const;
};

/// Adds a subcommand; sets `run` to what it does once the line is parsed. `run` returns the exit
/// code and throws UserError.
using Run = std::function<int()>;
void add_envs(CLI::App& app, const Global& global, Run& run);
void add_rollout(CLI::App& app, const Global& global, Run& run);
void add_train(CLI::App& app, const Global& global, Run& run);
void add_eval(CLI::App& app, const Global& global, Run& run);
void add_bench(CLI::App& app, const Global& global, Run& run);
void add_render(CLI::App& app, const Global& global, Run& run);
void add_data(CLI::App& app, const Global& global, Run& run);
void add_reproduce(CLI::App& app, const Global& global, Run& run);
void add_study(CLI::App& app, const Global& global, Run& run);
void add_report(CLI::App& app, const Global& global, Run& run);

/// Examples under --help, in the form "Examples:\n  palaestra envs\n".
std::string examples(std::initializer_list<std::string_view> lines);

}  // namespace palaestra::cli

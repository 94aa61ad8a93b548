#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace palaestra::cli {

/// What every command takes.
struct CommonOptions {
  std::optional<std::string> json;  ///< given: a document to this file, "-" = standard output
  bool quiet = false;
  int threads = 0;  ///< 0 = physical cores
  std::uint64_t seed = 0;

  /// True when standard output belongs to the JSON document.
  bool json_on_stdout() const { return json && *json == "-"; }
  /// Writes the document to where it was asked for.
  void emit(const nlohmann::ordered_json& document) const;
};

void add_common_options(CLI::App& command, CommonOptions& options);

/// `--json` and `--json=FILE`: turns a bare `--json` into one with a value, so that it never
/// swallows the next argument.
std::vector<std::string> explicit_json(int argc, char** argv);

}  // namespace palaestra::cli

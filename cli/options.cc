#include "cli/options.h"

#include <iostream>

#include <palaestra/core/files.h>

namespace palaestra::cli {

void CommonOptions::emit(const nlohmann::ordered_json& document) const {
  if (json_on_stdout()) {
    std::cout << document.dump(2) << '\n';
  } else if (json) {
    write_atomically(*json, document.dump(2) + "\n");
  }
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  command.add_option("--json", options.json,
                     "print one JSON document on standard output (--json=FILE: into FILE)");
  command.add_flag("--quiet", options.quiet, "no progress and no warnings");
  command.add_option("--threads", options.threads, "threads; 0 = physical cores")
      ->check(CLI::Range(0, 1024));
  command.add_option("--seed", options.seed, "seed of every random stream")->default_str("0");
}

std::vector<std::string> explicit_json(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {  // CLI11 takes them in reverse
    const std::string argument = argv[i];
    arguments.push_back(argument == "--json" ? "--json=-" : argument);
  }
  return arguments;
}

}  // namespace palaestra::cli

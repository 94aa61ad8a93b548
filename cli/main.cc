#include <box2d/box2d.h>
#include <mujoco/mujoco.h>

#include <iostream>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/version.h"

namespace {

using namespace palaestra;

constexpr int kDefect = 1, kUserError = 2;

std::string version_text() {
  return concat("palaestra ", cli::kVersion, "\ncommit ", cli::kCommit, "\ncompiler ", __VERSION__,
                "\ninstruction set x86-64-v3",
                __builtin_cpu_supports("avx512f") ? " (CPU has AVX-512)" : "", "\nMuJoCo ",
                mj_versionString(), "\nBox2D ", b2_version.major, ".", b2_version.minor, ".",
                b2_version.revision);
}

/// CLI11 does not know the nearest command; it only says that something was unexpected.
void require_known_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) {
    known.push_back(command->get_name());
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("-")) {
      return;  // --help, --version
    }
    require(std::find(known.begin(), known.end(), word) != known.end(), "unknown command \"", word,
            "\"", did_you_mean(word, known), " (palaestra --help lists all)");
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reinforcement-learning environments and agents for ordinary CPUs", "palaestra");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  app.footer(
      "Examples:\n  palaestra envs\n  palaestra rollout --env Pendulum-v1 --n 8 --steps 200\n"
      "  palaestra rollout --env Hopper-v5 --json\n"
      "Each command has a --help of its own.");
  cli::add_envs_command(app);
  cli::add_rollout_command(app);
  try {
    require_known_command(app, argc, argv);
    app.parse(cli::explicit_json(argc, argv));
    return 0;
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "palaestra: " << error.what() << '\n';
    return kUserError;
  } catch (const UserError& error) {
    std::cerr << "palaestra: " << error.what() << '\n';
    return kUserError;
  } catch (const std::exception& error) {
    std::cerr << "palaestra: this is a defect, please report it: " << error.what() << '\n';
    return kDefect;
  }
}

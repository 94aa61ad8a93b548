#include <palaestra/cli/command_line.h>

#include <iostream>
#include <new>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include <palaestra/cli/global.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/cli/version.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

void print_error(const std::string& command, std::string_view text) {
  std::cerr << "palaestra: " << command << (command.empty() ? "" : ": ") << text << std::endl;
}

/// Answers --help and --version.
int answer(const CLI::App& app, const CLI::Success& request, const Global& global) {
  const std::string unknown = unknown_command(app);
  require(unknown.empty(), unknown);
  if (global.json && dynamic_cast<const CLI::CallForVersion*>(&request) != nullptr) {
    global.write_json(program_facts());
    return kDone;
  }
  const int code = app.exit(request);
  require(static_cast<bool>(std::cout.flush()), "standard output cannot be written to");
  return code;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"Reinforcement-learning environments and agents on ordinary CPUs.", "palaestra"};
  Global global;
  Run run;

  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_help_flag("-h,--help", "Show this help and end");
  app.set_version_flag(
      "--version", [] { return version_text(); }, "Show versions of program and engines and end");
  std::string json;
  auto* json_flag = app.add_flag("--json{-}", json,
                                 "Print one JSON document on standard output and nothing else; "
                                 "--json=FILE writes it to FILE");
  app.add_flag("-q,--quiet", global.quiet, "No progress, no remarks");
  app.add_option("--threads", global.threads, "Threads; 0: one per physical core")
      ->type_name("T")
      ->check(whole_number);
  auto* seed = app.add_option("--seed", global.seed, "Seed of every random stream (default 0)")
                   ->type_name("S")
                   ->check(whole_number);
  app.footer(
      examples({"envs",
                "train --env Pendulum-v1 --steps 3000 --set hidden=64,64 --out runs/pendulum",
                "eval runs/pendulum --episodes 20 --json"}) +
      "\n`palaestra COMMAND --help` says more.\n"
      "Exit codes: 0 done, 1 defect, 2 user's error, 3 gate fell short, 130 interrupted.");
  add_envs(app, global, run);
  add_rollout(app, global, run);
  add_train(app, global, run);
  add_eval(app, global, run);
  add_bench(app, global, run);
  add_render(app, global, run);
  add_data(app, global, run);
  add_reproduce(app, global, run);
  add_study(app, global, run);
  add_report(app, global, run);

  const auto take_json = [&] {
    if (json_flag->count() > 0) {
      const std::string& given = json_flag->results().back();
      global.set_json(given == "-" ? "" : given);
    }
  };
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& request) {  // --help, --version
      take_json();
      return answer(app, request, global);
    }
    require_no_empty_values(app);
    take_json();
    global.seed_given = seed->count() > 0;
    if (global.seed_given) {  // CLI11 takes -1 for the largest number there is
      const std::string& typed = seed->results().front();
      require(!typed.starts_with("-"), "--seed is ", typed, "; accepted: 0 or more");
    }
    global.thread_count();  // refuses a bad number before any work
    require(static_cast<bool>(run), "no command; `palaestra --help` lists them");
    const int code = run();
    require(static_cast<bool>(std::cout.flush()), "standard output cannot be written to");
    return code;
  } catch (const CLI::ParseError& error) {
    print_error(command_of(app), parse_problem(app, error));
    return kUserError;
  } catch (const Interrupted&) {
    print_error(command_of(app), "interrupted");
    return kInterrupted;
  } catch (const UserError& error) {
    print_error(command_of(app), error.what());
    return kUserError;
  } catch (const std::bad_alloc&) {
    print_error(command_of(app),
                "not enough memory; fewer environments (--n) need less, and a smaller "
                "replay buffer (--set capacity)");
    return kUserError;
  } catch (const std::exception& error) {
    print_error(command_of(app), concat("defect of the program: ", error.what()));
    return kDefect;
  }
}

}  // namespace palaestra::cli

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <new>
#include <vector>

#include <CLI/CLI.hpp>

#include <palaestra/cli/global.h>
#include <palaestra/cli/openmp.h>
#include <palaestra/cli/version.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

/// Commands without state to save end at once; the others install an InterruptGuard.
void end_at_once(int) { _exit(kInterrupted); }

void print_error(const std::string& command, std::string_view text) {
  std::cerr << "palaestra: " << command << (command.empty() ? "" : ": ") << text << std::endl;
}

/// The command that was named, down to its last word.
const CLI::App& chosen_of(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_of(*chosen.front());
}

/// "data collect"
std::string command_of(const CLI::App& app) {
  std::string name;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    name += (name.empty() ? "" : " ") + at->get_name();
  }
  return name;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  const auto collect = [&](const CLI::App& from) {
    for (const CLI::Option* option : from.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  };
  collect(chosen_of(app));
  collect(app);
  return names;
}

std::string unexpected_argument(const CLI::App& app, const std::string& argument) {
  if (argument.starts_with("-")) {
    const std::string name = argument.substr(0, argument.find('='));
    const std::string command = command_of(app);
    return concat("unknown option ", name, did_you_mean(name, option_names(app)), " (palaestra ",
                  command, command.empty() ? "" : " ", "--help lists all)");
  }
  const auto below = chosen_of(app).get_subcommands([](const CLI::App*) { return true; });
  if (below.empty()) {
    return concat("argument \"", argument, "\" is one too many");
  }
  std::vector<std::string> commands;
  std::string list;
  for (const CLI::App* command : below) {
    commands.push_back(command->get_name());
    list += (list.empty() ? "" : ", ") + commands.back();
  }
  return concat("unknown command \"", argument, "\"", did_you_mean(argument, commands),
                " (palaestra has ", list, ")");
}

/// "--n is "abc"; ..." from CLI11's "Could not convert: --n = abc"; every option that converts
/// takes a whole number.
std::string conversion_problem(const std::string& text) {
  const auto name = text.find("--");
  const auto equals = text.find(" = ");
  if (name == std::string::npos || equals == std::string::npos || equals < name) {
    return text;
  }
  return concat(text.substr(name, equals - name), " is \"", text.substr(equals + 3),
                "\"; accepted: a whole number");
}

/// The message of a line that does not parse, in our own words where CLI11's do not help.
std::string parse_problem(const CLI::App& app, const CLI::ParseError& error) {
  // a mistyped option is also the cause where a required one is missing
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (missing || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto rest = app.remaining(true);
    const auto option = std::find_if(rest.begin(), rest.end(),
                                     [](const auto& word) { return word.starts_with("-"); });
    const auto below = chosen_of(app).get_subcommands([](const CLI::App*) { return true; });
    const bool mistyped = !missing || !below.empty();
    if (option != rest.end() || (mistyped && !rest.empty())) {
      return unexpected_argument(app, option != rest.end() ? *option : rest.front());
    }
    if (missing && !below.empty()) {
      std::vector<std::string> commands;
      commands.reserve(below.size());
      for (const CLI::App* command : below) {
        commands.push_back(command->get_name());
      }
      return concat("one of its commands is needed: ", join(commands, ", "));
    }
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    return conversion_problem(error.what());
  }
  return error.what();
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{"Reinforcement-learning environments and agents on ordinary CPUs.", "palaestra"};
  Global global;
  Run run;
  std::string json;

  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_help_flag("-h,--help", "Show this help and end");
  app.set_version_flag(
      "--version", [] { return version_text(); }, "Show versions of program and engines and end");
  auto* json_flag = app.add_flag("--json{-}", json,
                                 "Print one JSON document on standard output and nothing else; "
                                 "--json=FILE writes it to FILE");
  app.add_flag("-q,--quiet", global.quiet, "No progress, no remarks");
  app.add_option("--threads", global.threads, "Threads; 0: one per physical core")->type_name("T");
  auto* seed = app.add_option("--seed", global.seed, "Seed of every random stream (default 0)")
                   ->type_name("S");
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

  try {
    app.parse(argc, argv);
    if (json_flag->count() > 0) {
      global.set_json(json == "-" ? "" : json);
    }
    global.seed_given = seed->count() > 0;
    // CLI11 takes -1 for the largest number there is
    if (global.seed_given) {
      const std::string& typed = seed->results().front();
      require(!typed.starts_with("-"), "--seed is ", typed, "; accepted: 0 or more");
    }
    global.thread_count();  // refuses a bad number before any work
    require(static_cast<bool>(run), "no command; `palaestra --help` lists them");
    const int code = run();
    require(static_cast<bool>(std::cout.flush()), "standard output cannot be written to");
    return code;
  } catch (const CLI::Success& request) {  // --help, --version
    return app.exit(request);
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

}  // namespace
}  // namespace palaestra::cli

int main(int argc, char** argv) {
  palaestra::cli::let_idle_threads_sleep(argv);
  signal(SIGINT, palaestra::cli::end_at_once);
  signal(SIGTERM, palaestra::cli::end_at_once);
  signal(SIGXFSZ, SIG_IGN);  // a file over its limit is an error that is reported, like a full disk
  return palaestra::cli::parse_and_run(argc, argv);
}

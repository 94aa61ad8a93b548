// palaestra train: training into a run folder, resumable to the bit.

#include <cmath>
#include <map>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/agents/run_settings.h>
#include <palaestra/agents/training.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/progress.h>
#include <palaestra/cli/python.h>
#include <palaestra/cli/version.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/interrupt.h>
#include <palaestra/core/json.h>
#include <palaestra/rollout/train.h>

namespace palaestra::cli {
namespace {

using agents::RunSettings;
namespace fs = std::filesystem;

struct TrainArguments {
  std::string config, out;
  std::map<std::string, std::string> flags;  // settings with a flag of their own
  std::vector<std::string> set;
  bool resume = false, force = false;
};

/// Command line over --config over defaults.
void apply(RunSettings& settings, const Global& global, const TrainArguments& arguments) {
  for (const std::string& assignment : arguments.set) {
    const auto equals = assignment.find('=');
    require(equals != std::string::npos && equals > 0, "--set \"", assignment,
            "\" is not of the form key=value");
    const std::string_view text = assignment;
    settings.set(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [key, value] : arguments.flags) {
    if (key != "agent" && !value.empty()) {
      settings.settings.set(key, value);
    }
  }
  if (global.seed_given) {
    settings.settings.set("seed", std::to_string(global.seed));
  }
}

std::optional<std::string> agent_flag(const TrainArguments& arguments) {
  const auto& agent = arguments.flags.at("agent");
  return agent.empty() ? std::nullopt : std::optional(agent);
}

std::unique_ptr<RunSettings> new_settings(const Global& global, const TrainArguments& arguments) {
  auto settings =
      RunSettings::read(arguments.config.empty() ? std::string() : read_text(arguments.config),
                        arguments.config, agent_flag(arguments));
  apply(*settings, global, arguments);
  require(!settings->train.env.empty() || !settings->train.data.empty(),
          "--env is missing: which environment? (palaestra envs lists all; --data names its own)");
  settings->settings.validate();
  return settings;
}

/// The settings of the run itself. What the command line says must agree with them; more steps are
/// welcome.
std::unique_ptr<RunSettings> resumed_settings(const Global& global,
                                              const TrainArguments& arguments) {
  const fs::path config = fs::path(arguments.out) / "config.toml";
  const std::string text = read_text(config);
  const auto before = RunSettings::read(text, config.string());
  auto settings = RunSettings::read(text, config.string());
  const auto agent = agent_flag(arguments).value_or(before->train.agent);
  require(agent == before->train.agent, "--resume: the run in ", arguments.out, " trains ",
          before->train.agent, ", not ", agent);
  if (!arguments.config.empty()) {
    settings->settings.read_toml(read_text(arguments.config), arguments.config);
  }
  apply(*settings, global, arguments);
  settings->settings.validate();
  const std::string differences = agents::obstacles_to_resuming(*before, *settings);
  require(differences.empty(), "--resume goes on with the settings of the run in ", arguments.out,
          ", of which only steps may grow:", differences);
  return settings;
}

std::string detail_of(const rollout::Trainer& trainer, double last_evaluation) {
  const auto& summary = trainer.summary();
  std::string text;
  if (summary.episodes > 0) {
    text = concat("return ", engineering(summary.return_mean()));
  }
  if (!std::isnan(last_evaluation)) {
    text += concat(text.empty() ? "" : ", ", "evaluated ", engineering(last_evaluation));
  }
  return text;
}

class Training {
 public:
  Training(const Global& global, const TrainArguments& arguments)
      : global_(global), arguments_(arguments), out_(arguments.out) {}

  int run() {
    const bool resume = arguments_.resume && rollout::RunDirectory::exists(out_);
    // the lock comes first: nothing is read that another process may still be writing
    if (resume) {
      directory_.emplace(rollout::RunDirectory::open(out_));
    }
    settings_ = resume ? resumed_settings(global_, arguments_) : new_settings(global_, arguments_);
    const auto& train = settings_->train;
    const Threads threads = global_.thread_count();
    const agents::Training training = agents::make_training(*settings_, threads);
    warnings_ = training.trainer->notices();
    if (!directory_) {
      directory_.emplace(rollout::RunDirectory::create(
          out_, arguments_.force ? rollout::Existing::kMoveAside : rollout::Existing::kRefuse));
    }
    if (directory_->moved_aside()) {
      global_.note(concat("train: the old ", out_.string(), " is now ",
                          directory_->moved_aside()->string()));
    }
    if (already_complete()) {
      global_.note(concat("train: ", out_.string(), " is complete; nothing to do"));
      if (!fs::exists(directory_->curve())) {
        draw();
      }
      return report(rollout::Outcome::kComplete, train.steps);
    }
    if (train.env.empty()) {
      global_.note(
          "train: the data set names no environment that is known; there will be no evaluations");
    }
    const std::string outline = training.trainer->outline();
    if (!outline.empty() && !global_.quiet) {
      global_.human() << outline << std::endl;
    }
    for (const std::string& warning : warnings_) {
      global_.note(concat("train: warning: ", warning));
    }
    return loop(*training.trainer, threads);
  }

 private:
  /// meta.json is the last file of a run: without its word, the end is written again.
  bool already_complete() const {
    if (!fs::exists(directory_->final_agent()) || !fs::exists(directory_->meta())) {
      return false;
    }
    const Json meta = try_parse_json(read_text(directory_->meta()));
    const auto has = [&](const char* key, auto is) {
      return meta.is_object() && meta.contains(key) && (meta[key].*is)();
    };
    return has("complete", &Json::is_boolean) && meta["complete"].get<bool>() &&
           has("steps", &Json::is_number_integer) &&
           meta["steps"].get<Index>() >= settings_->train.steps;
  }

  void draw() const {
    const std::string problem = run_script("curve.py", {out_.string()}).problem;
    if (!problem.empty()) {
      global_.note(concat("train: warning: no curve.png: ", problem));
    }
  }

  /// The last line of eval.jsonl, which an earlier process may have written; null without one.
  Json last_evaluation() const {
    std::error_code error;
    if (!fs::exists(directory_->evaluations(), error)) {
      return nullptr;
    }
    const std::string text = read_text(directory_->evaluations());
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) {
      return nullptr;
    }
    const auto newline = text.rfind('\n', end);
    const auto begin = newline == std::string::npos ? 0 : newline + 1;
    const Json line = try_parse_json(text.substr(begin, end + 1 - begin));
    return line.is_object() ? line : Json(nullptr);
  }

  int loop(rollout::Trainer& trainer, Threads threads) {
    const auto checkpoints = directory_->checkpoints();
    const Index start = checkpoints.empty() ? 0 : checkpoints.back().step;
    if (start > 0) {
      global_.note(concat("train: going on from step ", grouped(start)));
    } else if (arguments_.resume) {
      global_.note("train: there is no checkpoint yet; starting from the beginning");
    }
    Json facts = program_facts();
    facts["machine"] = machine_facts();
    const InterruptGuard interrupt;
    Progress progress(settings_->train.steps, start, "steps", global_.quiet);
    const rollout::TrainHooks hooks{
        .interrupted = [&] { return interrupt.requested(); },
        .progress =
            [&](const rollout::Trainer& t) {
              if (progress.due()) {
                progress.update(t.steps(), detail_of(t, last_evaluation_));
              }
            },
        .evaluated =
            [&](Index, const rollout::Evaluation& result) {
              last_evaluation_ = result.return_mean();
            },
        .going_on =
            [&](const std::string& config) {
              agents::require_settings_of_checkpoint(config, *settings_);
            }};
    const auto outcome = rollout::train(
        trainer, *directory_, {settings_->settings.to_toml(/*comments=*/true), json_text(facts)},
        threads, hooks);
    progress.clear();
    if (outcome == rollout::Outcome::kComplete) {
      draw();
    }
    return report(outcome, trainer.steps());
  }

  int report(rollout::Outcome outcome, Index steps) {
    const bool complete = outcome == rollout::Outcome::kComplete;
    const Json meta = parse_json(read_text(directory_->meta()));
    Json document = {{"run", out_.string()},
                     {"env", settings_->train.env},
                     {"agent", settings_->train.agent},
                     {"seed", settings_->train.seed},
                     {"steps", steps},
                     {"complete", complete}};
    const Json evaluation = last_evaluation();
    const bool evaluated = evaluation.contains("returns") && evaluation.contains("return_mean");
    document["return_mean"] = evaluated ? evaluation["return_mean"] : Json(nullptr);
    document["returns"] = evaluated ? evaluation["returns"] : Json::array();
    document["warnings"] = warnings_;
    document["cpu_s"] = meta["cpu_s"];
    document["wall_s"] = meta["wall_s"];
    document["weights"] =
        (complete ? directory_->final_agent() : directory_->checkpoint(steps)).string();
    global_.write_json(document);
    if (!complete) {
      std::cerr << "palaestra: train: interrupted at step " << steps << " after a checkpoint; "
                << "`palaestra train --resume --out " << out_.string() << "` goes on" << std::endl;
      return kInterrupted;
    }
    if (!global_.quiet) {
      std::ostream& out = global_.human();
      out << out_.string() << ": " << grouped(steps) << " steps in "
          << duration_text(meta["wall_s"].get<double>());
      if (evaluated && evaluation["return_mean"].is_number()) {
        out << ", mean return " << evaluation["return_mean"].get<double>() << " over "
            << evaluation["returns"].size() << " evaluation episodes";
      }
      out << std::endl;
    }
    return kDone;
  }

  const Global& global_;
  const TrainArguments& arguments_;
  fs::path out_;
  std::optional<rollout::RunDirectory> directory_;
  std::unique_ptr<RunSettings> settings_;
  std::vector<std::string> warnings_;
  double last_evaluation_ = std::nan("");
};

/// What an agent wants otherwise of a run than others: "\n  steps = 3".
std::string own_run_defaults(const agents::AgentSettings& agent) {
  rollout::TrainConfig usual, own;
  agent.set_run_defaults(own);
  const auto before = Settings().add(usual).describe(), after = Settings().add(own).describe();
  std::string text;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i].default_value != before[i].default_value) {
      text += concat("\n  ", after[i].key, " = ", toml_value(after[i].default_value),
                     " (for this agent)");
    }
  }
  return text;
}

std::string list_settings() {
  std::string text = "Settings (--set KEY=VALUE, or a line of the --config file):";
  const auto list = [&](const Settings& settings) {
    for (const FieldInfo& field : settings.describe()) {
      text += concat("\n  ", field.key, " = ", toml_value(field.default_value), "\n      ",
                     field.doc, field.accepted.empty() ? "" : concat(" (", field.accepted, ")"));
    }
  };
  rollout::TrainConfig train;
  list(Settings().add(train));
  for (const agents::AgentInfo& info : agents::all()) {
    const auto agent = info.defaults();
    Settings settings;
    agent->add_to(settings);
    text += concat("\n", info.name, ": ", info.summary);
    text += own_run_defaults(*agent);
    list(settings);
  }
  return text;
}

}  // namespace

void add_train(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command =
      app.add_subcommand("train", "Train an agent, online or on recorded data, into a run folder");
  command->fallthrough();
  const auto flag = [&](const std::string& option, const std::string& key, const char* text,
                        const char* type) {
    command->add_option(option, arguments->flags[key], text)->type_name(type);
  };
  flag("--env", "env", "Environment id", "ID");
  flag("--agent", "agent", "Agent (default sac)", "NAME");
  flag("--data", "data",
       "Learn from this data set (Minari or D4RL); --env is then its own unless given", "PATH");
  flag("--steps", "steps", "Transitions to collect in all; with --data updates", "N");
  flag("--n", "n", "Environments stepped together (default 1)", "N");
  flag("--env-options", "env_options", "The environment's keyword options", "K=V,K=V");
  command->add_option("--out", arguments->out, "Run folder")->required()->type_name("DIR");
  command
      ->add_option("--config", arguments->config,
                   "Settings as TOML, such as the config.toml of a run")
      ->type_name("F.toml");
  command->add_option("--set", arguments->set, "Change one setting; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--resume", arguments->resume,
                    "Go on from the newest checkpoint in DIR (start, if there is none)");
  command
      ->add_flag("--force", arguments->force,
                 "Move a folder that is in the way aside, to DIR.1, DIR.2, ...")
      ->excludes("--resume");
  command->footer("");  // not the program's beside ours
  command->footer([] {
    return examples({"train --env Pendulum-v1 --steps 3000 --set hidden=64,64 --out runs/pendulum",
                     "train --config runs/pendulum/config.toml --seed 1 --out runs/pendulum_1",
                     "train --out runs/pendulum --steps 4000 --resume"}) +
           "\n\n" + list_settings();
  });
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return Training(global, *arguments).run(); };
  });
}

}  // namespace palaestra::cli

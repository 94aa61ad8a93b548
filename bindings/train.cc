// palaestra._palaestra.train: `palaestra train` within the caller's process.

#include <pybind11/stl.h>

#include <chrono>
#include <exception>
#include <optional>

#include <palaestra/agents/training.h>
#include <palaestra/bindings/agent.h>
#include <palaestra/cli/version.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>
#include <palaestra/rollout/train.h>

namespace palaestra::python {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Values = std::vector<std::pair<std::string, ConfigValue>>;

/// How often a run looks for Ctrl-C and calls back: rarely enough to cost nothing, often enough for
/// a person.
constexpr auto kInterval = std::chrono::milliseconds(50);

/// What a run asks its Python surroundings. An exception raised there, Ctrl-C among them, makes the
/// run write a checkpoint and stop; it is raised again afterwards.
class Surroundings {
 public:
  Surroundings(rollout::Trainer& trainer, py::object callback)
      : trainer_(trainer), callback_(std::move(callback)) {}

  /// Called without the interpreter lock.
  rollout::TrainHooks hooks() {
    return {.interrupted = [this] { return interrupted(); },
            .progress = {},
            .evaluated =
                [this](Index step, const rollout::Evaluation& result) {
                  evaluation_ = result;
                  evaluated_at_ = step;
                }};
  }

  /// The last call, once the run is complete. Needs the interpreter lock.
  void finish() {
    if (!raised_) {
      ask();
    }
  }

  void rethrow() const {
    if (raised_) {
      std::rethrow_exception(raised_);
    }
  }

 private:
  bool interrupted() {
    const auto now = Clock::now();
    if (now >= next_ || evaluation_) {
      next_ = now + kInterval;
      const py::gil_scoped_acquire acquire;
      try {
        if (PyErr_CheckSignals() != 0) {
          throw py::error_already_set();
        }
        ask();
      } catch (...) {
        raised_ = std::current_exception();
      }
    }
    return stop_ || raised_;
  }

  void ask() {
    if (callback_.is_none()) {
      evaluation_.reset();
      return;
    }
    py::dict state;
    state["steps"] = trainer_.steps();
    state["total"] = trainer_.config().steps;
    state["updates"] = trainer_.updates();
    state["episodes"] = trainer_.episodes();
    state["return_mean"] = trainer_.summary().return_mean();
    state["evaluation"] = py::none();
    if (evaluation_) {
      state["evaluation"] = to_dict(*evaluation_);
      state["evaluated_at"] = evaluated_at_;
      evaluation_.reset();
    }
    const py::object answer = callback_(state);
    stop_ = stop_ || answer.is(py::bool_(false));
  }

  rollout::Trainer& trainer_;
  py::object callback_;
  Clock::time_point next_ = Clock::now() + kInterval;
  std::optional<rollout::Evaluation> evaluation_;
  Index evaluated_at_ = 0;
  std::exception_ptr raised_;
  bool stop_ = false;
};

/// Values over the configuration file over defaults, or over the run that goes on.
std::unique_ptr<agents::RunSettings> read_settings(const std::string& config,
                                                   const std::optional<std::string>& agent,
                                                   const Values& values) {
  auto settings =
      agents::RunSettings::read(config.empty() ? std::string() : read_text(config), config, agent);
  for (const auto& [key, value] : values) {
    settings->set(key, value);
  }
  require(!settings->train.env.empty() || !settings->train.data.empty(),
          "train: env is missing: which environment? (palaestra.env_ids() lists all; a data set "
          "names its own)");
  settings->settings.validate();
  return settings;
}

std::unique_ptr<agents::RunSettings> resumed_settings(const fs::path& folder,
                                                      const std::string& config,
                                                      const std::optional<std::string>& agent,
                                                      const Values& values) {
  const std::string own = (folder / "config.toml").string();
  const auto before = read_settings(own, {}, {});
  auto now = read_settings(config.empty() ? own : config, agent, values);
  const std::string obstacles = agents::obstacles_to_resuming(*before, *now);
  require(obstacles.empty(), "train: resume goes on with the settings of the run in ",
          folder.string(), ", of which only steps may grow:", obstacles);
  return now;
}

/// Returns (complete, steps).
py::tuple train(const std::string& out, const std::string& config,
                const std::optional<std::string>& agent_name, const Values& values, bool resume,
                bool force, int thread_count, const py::object& callback) {
  const Threads threads(thread_count);
  const fs::path folder = out;
  std::optional<rollout::RunDirectory> directory;
  const bool goes_on = resume && rollout::RunDirectory::exists(folder);
  if (goes_on) {  // the lock comes first: nothing is read that another process may be writing
    directory.emplace(rollout::RunDirectory::open(folder));
  }
  const auto settings = goes_on ? resumed_settings(folder, config, agent_name, values)
                                : read_settings(config, agent_name, values);
  const agents::Training training = agents::make_training(*settings, threads);
  rollout::Trainer& trainer = *training.trainer;
  if (!directory) {
    directory.emplace(rollout::RunDirectory::create(
        folder, force ? rollout::Existing::kMoveAside : rollout::Existing::kRefuse));
  }
  for (const std::string& notice : trainer.notices()) {
    py::module_::import("warnings")
        .attr("warn")(notice, py::module_::import("builtins").attr("UserWarning"));
  }
  Json facts = cli::program_facts();
  facts["machine"] = cli::machine_facts();
  const rollout::RunFacts run_facts{settings->settings.to_toml(/*comments=*/true),
                                    json_text(facts)};

  Surroundings surroundings(trainer, callback);
  rollout::TrainHooks hooks = surroundings.hooks();
  hooks.going_on = [&](const std::string& before) {
    agents::require_settings_of_checkpoint(before, *settings);
  };
  rollout::Outcome outcome{};
  {
    const py::gil_scoped_release release;
    outcome = rollout::train(trainer, *directory, run_facts, threads, hooks);
  }
  surroundings.rethrow();
  if (outcome == rollout::Outcome::kComplete) {
    surroundings.finish();
  }
  return py::make_tuple(outcome == rollout::Outcome::kComplete, trainer.steps());
}

}  // namespace

void bind_training(py::module_& module) {
  module.def("train", &train, py::arg("out"), py::arg("config"), py::arg("agent"),
             py::arg("settings"), py::arg("resume"), py::arg("force"), py::arg("threads"),
             py::arg("callback"));
}

}  // namespace palaestra::python

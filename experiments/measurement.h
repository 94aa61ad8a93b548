#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <palaestra/core/types.h>

namespace palaestra::experiments {

/// A number over steps, as learning curves are.
struct Curve {
  std::vector<double> step, value;
};

/// What one run of an arm came to.
struct Measurement {
  std::string arm;
  Index seed = 0;
  std::string command;  ///< as typed; empty where nothing was run
  std::string problem;  ///< why there are no numbers; empty: there are
  double cpu_s = 0, wall_s = 0;
  std::map<std::string, double> numbers{};
  std::map<std::string, std::string> texts{};
  std::map<std::string, Curve> curves{};

  bool ok() const { return problem.empty(); }
};

/// Numbers, texts and curves out of what a command wrote with --json, and of the folder of a run.
/// Throw UserError where something is missing or is no number.
///
///   train    final_return (of the last evaluation), late_return (mean of the last five),
///            mean_return (of all), cpu_s, steps, updates and what else it counts; text
///            weights_sha256; curve return. Of another policy of the agent the same under its name:
///            ensemble/final_return, ...
///   rollout  return_mean, steps_per_s; text hash
///   bench    numbers "<row> n=<n>" and, beside a limit or a peer, "<row> n=<n>:share_of_limit" and
///            "<row> n=<n>:ratio:<peer>"
///   study    whatever it computed
///
/// `logged` names numbers of a training's metrics.jsonl that are kept as curves, and as numbers
/// what they were in the end.
void read_train(const std::filesystem::path& run, Measurement& to,
                const std::vector<std::string>& logged = {});
void read_rollout(const nlohmann::ordered_json& document, Measurement& to);
void read_bench(const nlohmann::ordered_json& document, Measurement& to);
void read_study(const nlohmann::ordered_json& document, Measurement& to);

/// The runs in a record of learning curves (docs/compare_learning.py writes them), in order of
/// seed: at most `most`, with numbers final_return and curve return up to `last_step` (0: all).
std::vector<Measurement> read_record(const std::string& text, const std::string& implementation,
                                     Index most, Index last_step);

/// To and from JSON. Reading throws UserError for anything else, never something worse.
nlohmann::ordered_json to_json(const Measurement& measurement);
Measurement measurement_from(const nlohmann::ordered_json& document);

}  // namespace palaestra::experiments

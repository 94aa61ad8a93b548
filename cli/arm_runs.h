#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/experiments/experiment.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::cli {

/// One run of an arm: a process of this program and the folder it works in.
struct ArmRun {
  const experiments::Arm* arm;
  Index seed;
  experiments::Scale scale;
  std::filesystem::path out;     ///< of the experiment
  std::filesystem::path folder;  ///< within it: arms/<method>/<task>/seed-<seed>

  /// As it can be typed: `palaestra train --env ... --seed 3 --out ...`. A run with cuts has a
  /// command for each and one that goes on to the end, the last of `commands()`.
  std::vector<std::string> command(const std::string& program) const;
  std::size_t commands() const { return arm->cuts.size() + 1; }
  std::vector<std::string> command(const std::string& program, std::size_t number) const;
  /// The command as it is typed in the experiment's folder, which may move.
  std::string text() const;

  std::filesystem::path run() const { return out / folder / "run"; }
  std::filesystem::path result() const { return out / folder / "result.json"; }
  std::filesystem::path file(const char* name) const { return out / folder / name; }
};

/// The runs of an experiment at a scale, in the order of arms; `seeds` 0: as many as it says.
std::vector<ArmRun> arm_runs(const experiments::Experiment& experiment, experiments::Scale scale,
                             Index seeds, const std::filesystem::path& out);

/// A word as a shell takes it.
std::string shell_word(const std::string& word);

struct RunsHooks {
  std::function<bool()> interrupted;
  /// Work that is behind us, of the sum of work_of() over all runs or products, and how many.
  std::function<void(double work, std::size_t finished)> progress;
};

/// What a run counts in the progress of all, in steps of training; a rollout's step costs about a
/// thousandth of one.
double work_of(const ArmRun& run);

/// Steps of a training so far, those of the last line of its metrics.jsonl; 0 before there is one.
double steps_behind(const std::filesystem::path& run);

/// Runs side by side what has no result yet, one core each (as many as its arm says; a benchmark
/// has the machine to itself), and keeps each result in the run's folder as soon as it is there. A
/// run that fails is a result with a problem, and is tried again next time. Interrupted: asks the
/// processes to write their checkpoints, waits for them, and returns what there is.
std::vector<experiments::Measurement> measure(const std::vector<ArmRun>& runs, Threads threads,
                                              const RunsHooks& hooks);

/// Seconds of CPU that the unfinished of `runs` will take, from a pilot: one run of each arm at the
/// smallest scale, in a folder that is removed again.
double estimate_cpu(const experiments::Experiment& experiment, const std::vector<ArmRun>& runs,
                    const std::filesystem::path& scratch, Threads threads, const RunsHooks& hooks);

}  // namespace palaestra::cli

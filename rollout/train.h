#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/run_directory.h>
#include <palaestra/rollout/trainer.h>

namespace palaestra::rollout {

/// What a run tells its surroundings, and asks. Any of them may be empty.
struct TrainHooks {
  /// Asked after every stretch (Trainer::advance): true makes the run write a checkpoint and stop.
  std::function<bool()> interrupted;
  /// Called after every stretch.
  std::function<void(const Trainer&)> progress;
  /// Called after every evaluation.
  std::function<void(Index step, const Evaluation&)> evaluated;
  /// Called with the config.toml that the newest checkpoint was written under, before anything of
  /// it is used: may throw where those of the folder are others.
  std::function<void(const std::string& config)> going_on = {};
};

enum class Outcome : unsigned char {
  kComplete,     ///< final.safetensors is there
  kInterrupted,  ///< a checkpoint is there
};

/// What a run writes about itself.
struct RunFacts {
  std::string config;  ///< the text of config.toml
  std::string facts;   ///< a JSON object, the head of meta.json
};

/// Trains until trainer.done() or an interruption, and leaves in `run` what docs/command_line.md
/// says. Without an environment there are no evaluations, and the trained agent's file holds the
/// spaces instead. Goes on from the newest checkpoint in `run`, if there is one: the logs are cut
/// back to where they were then, and everything that follows is what an unbroken run would have
/// written, times apart. Throws UserError for a damaged checkpoint, log or meta.json, before
/// anything is written, and when the disk is full; the checkpoints written before are then still
/// whole.
Outcome train(Trainer& trainer, const RunDirectory& run, const RunFacts& facts, Threads threads,
              const TrainHooks& hooks);

}  // namespace palaestra::rollout

#pragma once

#include <memory>

#include <palaestra/agents/run_settings.h>
#include <palaestra/rollout/trainer.h>

namespace palaestra::agents {

/// A run that is ready to go: rollout::train() takes the trainer.
struct Training {
  std::unique_ptr<rollout::Agent> agent;
  std::unique_ptr<rollout::Trainer> trainer;
};

/// Makes agent and trainer as the settings say: online, offline, or one after the other. What they
/// leave open is filled in from the data set, where there is one: the environment and the data
/// set's hash (see rollout::TrainingData). Throws UserError for settings that cannot work, an
/// unknown environment, a data set that does not suit it, and an agent that does not suit either.
Training make_training(RunSettings& settings, Threads threads);

}  // namespace palaestra::agents

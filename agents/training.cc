#include <palaestra/agents/training.h>

#include <optional>

#include <palaestra/core/error.h>
#include <palaestra/rollout/offline_trainer.h>
#include <palaestra/rollout/online_trainer.h>

namespace palaestra::agents {

Training make_training(RunSettings& settings, Threads threads) {
  settings.settings.validate();
  rollout::TrainConfig& train = settings.train;
  std::optional<rollout::TrainingData> data;
  if (!train.data.empty()) {
    data.emplace(train);
    settings.settings.validate();  // what the data set names may not go with the rest
  }
  require(!train.env.empty() || data,
          "env is missing: which environment? (palaestra envs lists all)");
  Training training;
  training.agent = data ? settings.make_agent(data->spec(), threads) : settings.make_agent(threads);
  training.trainer =
      settings.agent->make_trainer(train, *training.agent, threads, data ? &*data : nullptr);
  if (training.trainer) {
    return training;
  }
  if (train.offline()) {
    training.trainer = std::make_unique<rollout::OfflineTrainer>(
        train, *training.agent, settings.sampling(), *data, threads);
  } else {
    training.trainer = std::make_unique<rollout::OnlineTrainer>(
        train, *training.agent, settings.sampling(), threads, data ? &*data : nullptr);
  }
  return training;
}

}  // namespace palaestra::agents

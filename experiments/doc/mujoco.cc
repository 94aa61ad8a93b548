#include <palaestra/experiments/doc/mujoco.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <palaestra/agents/sac/agent.h>
#include <palaestra/core/error.h>
#include <palaestra/experiments/doc/score.h>
#include <palaestra/rollout/online_trainer.h>

namespace palaestra::experiments::doc {
namespace {

constexpr double kBest = 10;  // percent of the episodes that percentile_bc keeps

constexpr std::pair<const char*, Method> kMethods[] = {{"doc", Method::kDoc},
                                                       {"vae", Method::kVae},
                                                       {"no_constraint", Method::kNoConstraint},
                                                       {"return_bc", Method::kReturnBc},
                                                       {"bc", Method::kBc},
                                                       {"percentile_bc", Method::kPercentileBc}};

/// The policy that makes the data, trained where there is no noise.
std::unique_ptr<agents::Sac> train_behaviour(const MujocoStudy& study, const envs::EnvSpec& spec,
                                             std::uint64_t seed, Threads threads) {
  const agents::SacConfig config;
  auto sac = std::make_unique<agents::Sac>(spec.observation, spec.action, config, seed, threads);
  rollout::TrainConfig train;
  train.env = study.env;
  train.seed = static_cast<Index>(seed);
  train.steps = study.behaviour_steps;
  train.capacity = study.behaviour_steps;
  rollout::OnlineTrainer trainer(train, *sac, {config.batch_size, config.discount}, threads);
  while (!trainer.done()) {
    trainer.collect();
    trainer.update();
  }
  return sac;
}

}  // namespace

void run_mujoco(const MujocoStudy& study, std::uint64_t seed, Threads threads, Measurement& to) {
  const envs::EnvSpec spec = make({.id = study.env}, {})->spec();
  require(spec.observation.kind == Space::Kind::kBox && spec.action.kind == Space::Kind::kBox,
          "env is ", study.env, "; accepted: a task with numbers as observations and actions");
  Space observation = spec.observation;
  observation.dtype = DType::kFloat32;  // as trajectories are kept
  Place place{.id = study.env};
  if (study.transition_noise > 0) {
    place.wrappers.emplace_back(envs::TransitionNoise{.sigma = study.transition_noise});
  }
  if (study.reward_noise > 0) {
    place.wrappers.emplace_back(envs::RewardNoise{.standard_deviation = study.reward_noise});
  }

  const auto sac = train_behaviour(study, spec, seed, threads);
  const Act mean_action = [&](std::span<const float> states, Index step, std::span<const double>,
                              std::span<float> actions) {
    sac->act(states, study.episodes, 0, step, rollout::ActMode::kMean, 0, actions);
  };
  to.numbers["behaviour_return"] =
      score({.id = study.env}, study.episodes, mean_action, seed, threads).mean;

  const Behaviour behaviour = [&](std::span<const float> state, Index step, Stream& random,
                                  std::span<float> action) {
    sac->act(state, 1, 0, step, rollout::ActMode::kMean, 0, action);
    for (std::size_t i = 0; i < action.size(); ++i) {
      const double low = spec.action.low[i], high = spec.action.high[i];
      const double wanted =
          double{action[i]} + study.exploration * (high - low) / 2 * random.normal();
      action[i] = static_cast<float>(std::clamp(wanted, low, high));
    }
  };
  const std::vector<Trajectory> data = play(place, study.trajectories, behaviour, seed, threads);
  for (const Trajectory& t : data) {
    to.numbers["data_return"] += t.total() / static_cast<double>(data.size());
  }
  for (const auto& [name, method] : kMethods) {
    Measurement losses;
    const Trained trained = train({.method = method,
                                   .updates = study.updates,
                                   .percentile = kBest,
                                   .probe_updates = 0,
                                   .config = study.doc},
                                  data, observation, spec.action, seed, threads, losses);
    score(place, trained, study.doc, study.episodes, seed, threads, std::string(name) + ".", to);
  }
}

}  // namespace palaestra::experiments::doc

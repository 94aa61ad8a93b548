#include <palaestra/agents/ailboost/agent.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include <palaestra/agents/ailboost/ensemble.h>
#include <palaestra/agents/box_size.h>
#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/policy.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {

namespace {

constexpr Purpose kActPurpose = purpose("ailboost/act");

std::string_view name_of(const AilBoostConfig& config) {
  return config.weights == LearnerWeights::kUniform ? "ailboost_uniform" : "ailboost";
}

/// Behind the metrics of SAC.
enum OwnMetric : std::size_t {
  kReward,
  kRounds,
  kDiscriminatorUpdates,
  kLearners,
  kEffectiveLearners,
  kOldestMass,
  kRolloutReturn,
  kOwnMetrics
};
constexpr std::string_view kOwnNames[kOwnMetrics] = {
    "reward",      "rounds",        "discriminator_updates", "learners", "effective_learners",
    "oldest_mass", "rollout_return"};

}  // namespace

struct AilBoost::Impl {
  Impl(const Space& observation_space_, const Space& action_space_, const AilBoostConfig& settings,
       std::uint64_t seed, Threads threads)
      : observation_space(observation_space_),
        action_space(action_space_),
        config(checked(settings)),
        scale(name_of(config), action_space),
        learner(box_size(name_of(config), "observation", observation_space), action_space.size(),
                config.sac, seed, threads),
        discriminator(learner.observation_size(), learner.action_size(), config.discriminator, seed,
                      threads),
        policy(
            learner.observation_size(),
            [this](nn::Expr observation) { return learner.actor()(observation, "actor"); },
            learner.actor_vector(), scale, seed, kActPurpose, threads),
        ensemble("ensemble", learner.observation_size(), learner.action_size(), policy,
                 learner.actor_vector(), config.ensemble_action, seed),
        alternatives{{{"ensemble", &ensemble}}},
        rl_action(as_size(config.sac.batch_size * learner.action_size())),
        rl_reward(as_size(config.sac.batch_size)),
        own_action(as_size(config.discriminator.batch_size * learner.action_size())),
        expert_action(own_action.size()) {
    for (const auto& metric : discriminator.metrics()) {
      discriminator_names.push_back(concat("discriminator_", metric.name));
      discriminator_values.push_back(0);
    }
    metrics.assign(learner.metrics().begin(), learner.metrics().end());
    for (const std::string_view own : kOwnNames) {
      metrics.push_back({own, 0});
    }
    for (const std::string& name : discriminator_names) {
      metrics.push_back({name, 0});
    }
  }

  /// The batch with actions in [-1, 1], which it keeps in `memory`.
  replay::Minibatch scaled(const replay::Minibatch& batch, std::vector<float>& memory) const {
    // the learner says what is wrong with more rows than there is memory for
    if (batch.action.size() > memory.size()) {
      return batch;
    }
    replay::Minibatch result = batch;
    const auto action = std::span(memory).first(batch.action.size());
    scale.to_unit(batch.action, action);
    result.action = action;
    return result;
  }

  void load(const ArchiveReader& archive, std::string_view prefix) {
    const Index count = archive.get_index(concat(prefix, "rounds"));
    require(count >= 0, name_of(config), ": \"", prefix, "rounds\" is ", count,
            "; accepted: 0 and up");
    std::vector<double> round(2), values(discriminator_values.size());
    archive.get(concat(prefix, "round"), round);
    archive.get(concat(prefix, "discriminator_metrics"), values);
    ensemble.load(archive, prefix, config.max_learners);
    discriminator.load(archive, concat(prefix, "discriminator."));
    learner.load(archive, prefix);
    rounds = count;
    reward = round[0];
    rollout_return = round[1];
    discriminator_values = std::move(values);
    policy.set_seed(learner.seed());
    ensemble.set_seed(learner.seed());
  }

  Space observation_space, action_space;
  AilBoostConfig config;
  ActionScale scale;
  sac::Learner learner;
  discriminator::Learner discriminator;
  Policy policy;
  ailboost::Ensemble ensemble;
  std::array<rollout::NamedActor, 1> alternatives;

  std::vector<float> rl_action, rl_reward, own_action, expert_action;
  double reward = 0;          // mean of the last batch
  double rollout_return = 0;  // of the newest learner
  Index rounds = 0;
  std::vector<std::string> discriminator_names;
  std::vector<double> discriminator_values;  // at the end of the last round
  std::vector<rollout::Metric> metrics;
};

AilBoost::AilBoost(const Space& observation_space, const Space& action_space,
                   const AilBoostConfig& config, std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

AilBoost::~AilBoost() = default;

std::string_view AilBoost::name() const { return name_of(impl_->config); }
Index AilBoost::observation_size() const { return impl_->learner.observation_size(); }
Index AilBoost::action_size() const { return impl_->learner.action_size(); }

void AilBoost::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                   rollout::ActMode mode, int thread, std::span<float> actions) {
  impl_->policy.act(observations, rows, first_row, step, mode, thread, actions);
}

std::span<const rollout::NamedActor> AilBoost::alternatives() { return impl_->alternatives; }

// ---- learning

void AilBoost::update(const replay::Minibatch& rows) {
  impl_->learner.check(rows);
  replay::Minibatch batch = impl_->scaled(rows, impl_->rl_action);
  const auto reward = std::span(impl_->rl_reward).first(as_size(rows.rows));
  impl_->discriminator.reward(batch, reward);
  batch.reward = reward;
  impl_->learner.update(batch);
  impl_->reward =
      std::accumulate(reward.begin(), reward.end(), 0.0) / static_cast<double>(reward.size());
}

void AilBoost::imitate(const replay::Minibatch& own, const replay::Minibatch& demonstrations) {
  impl_->discriminator.update(impl_->scaled(own, impl_->own_action),
                              impl_->scaled(demonstrations, impl_->expert_action));
}

void AilBoost::freeze_learner(Index id) { impl_->ensemble.freeze(id); }

void AilBoost::keep_learners(std::span<const Index> ids, std::span<const double> weights) {
  impl_->ensemble.keep(ids, weights);
}

void AilBoost::end_round(double rollout_return) {
  impl_->rounds += 1;
  impl_->rollout_return = rollout_return;
  // kept, since the discriminator stays as it is until the next round, also in a process that goes
  // on from a checkpoint and has seen none of its batches
  const auto now = impl_->discriminator.metrics();
  std::transform(now.begin(), now.end(), impl_->discriminator_values.begin(),
                 [](const rollout::Metric& metric) { return metric.value; });
  if (impl_->config.reset_temperature) {
    impl_->learner.restart_temperature();
  }
  if (impl_->config.reset_actor_optimizer) {
    impl_->learner.restart_actor_optimizer();
  }
}

std::span<const rollout::Metric> AilBoost::metrics() {
  const auto& ensemble = impl_->ensemble;
  const auto of_learner = impl_->learner.metrics();
  std::copy(of_learner.begin(), of_learner.end(), impl_->metrics.begin());
  const auto own = std::span(impl_->metrics).subspan(of_learner.size());
  own[kReward].value = impl_->reward;
  own[kRounds].value = static_cast<double>(impl_->rounds);
  own[kDiscriminatorUpdates].value = static_cast<double>(impl_->discriminator.updates());
  own[kLearners].value = static_cast<double>(ensemble.size());
  own[kEffectiveLearners].value = ensemble.effective_size();
  own[kOldestMass].value = ensemble.size() > 0 ? ensemble.weight(0) : 0;
  own[kRolloutReturn].value = impl_->rollout_return;
  for (std::size_t k = 0; k < impl_->discriminator_values.size(); ++k) {
    own[kOwnMetrics + k].value = impl_->discriminator_values[k];
  }
  return impl_->metrics;
}

Index AilBoost::updates() const { return impl_->learner.updates(); }

// ---- files

void AilBoost::save(ArchiveWriter& archive, std::string_view prefix) const {
  impl_->learner.save(archive, prefix);
  impl_->discriminator.save(archive, concat(prefix, "discriminator."));
  impl_->ensemble.save(archive, prefix);
  archive.put_scalar(concat(prefix, "rounds"), impl_->rounds);
  archive.put(concat(prefix, "round"), std::vector<double>{impl_->reward, impl_->rollout_return});
  archive.put(concat(prefix, "discriminator_metrics"), impl_->discriminator_values);
}

void AilBoost::load(const ArchiveReader& archive, std::string_view prefix) {
  // each of three parts loads whole or not at all; all three load here only if they do there
  Impl(impl_->observation_space, impl_->action_space, impl_->config, 0, Threads{1})
      .load(archive, prefix);
  impl_->load(archive, prefix);
}

// ---- parts

const AilBoostConfig& AilBoost::config() const { return impl_->config; }
const ailboost::Ensemble& AilBoost::ensemble() const { return impl_->ensemble; }
sac::Learner& AilBoost::learner() { return impl_->learner; }
discriminator::Learner& AilBoost::discriminator() { return impl_->discriminator; }

}  // namespace palaestra::agents

#include <palaestra/agents/td3/agent.h>

#include <palaestra/agents/box_size.h>
#include <palaestra/agents/policy.h>
#include <palaestra/agents/td3/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {
namespace {

constexpr Purpose kActPurpose = purpose("td3/act");

}  // namespace

struct Td3::Impl {
  Impl(const Space& observation_space, const Space& action_space, const Td3Config& settings,
       std::uint64_t seed, Threads threads)
      : config(settings),
        scale("td3", action_space),
        learner(box_size("td3", "observation", observation_space), action_space.size(), config,
                seed, threads),
        policy(
            learner.observation_size(),
            [this](nn::Expr observation, nn::Expr noise) -> Policy::Actions {
              const nn::Expr action = learner.actor()(observation, "actor");
              return {.sample = clamp(action + config.exploration_noise * noise, -1, 1),
                      .mode = action};
            },
            learner.actor_vector(), scale, seed, kActPurpose, threads),
        batch_action(static_cast<std::size_t>(config.batch_size * action_space.size())) {}

  Td3Config config;
  ActionScale scale;
  td3::Learner learner;
  Policy policy;
  std::vector<float> batch_action;  // within [-1, 1]
};

Td3::Td3(const Space& observation_space, const Space& action_space, const Td3Config& config,
         std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

Td3::~Td3() = default;

Index Td3::observation_size() const { return impl_->learner.observation_size(); }
Index Td3::action_size() const { return impl_->learner.action_size(); }

void Td3::act(std::span<const float> observations, Index rows, Index first_row, Index step,
              rollout::ActMode mode, int thread, std::span<float> actions) {
  impl_->policy.act(observations, rows, first_row, step, mode, thread, actions);
}

void Td3::update(const replay::Minibatch& batch) {
  impl_->learner.check(batch);
  replay::Minibatch scaled = batch;
  const auto action = std::span(impl_->batch_action).first(batch.action.size());
  impl_->scale.to_unit(batch.action, action);
  scaled.action = action;
  impl_->learner.update(scaled);
}

std::span<const rollout::Metric> Td3::metrics() { return impl_->learner.metrics(); }
Index Td3::updates() const { return impl_->learner.updates(); }

void Td3::save(ArchiveWriter& archive, std::string_view prefix) const {
  impl_->learner.save(archive, prefix);
}

void Td3::load(const ArchiveReader& archive, std::string_view prefix) {
  impl_->learner.load(archive, prefix);
  impl_->policy.set_seed(impl_->learner.seed());
}

const Td3Config& Td3::config() const { return impl_->config; }
td3::Learner& Td3::learner() { return impl_->learner; }

}  // namespace palaestra::agents

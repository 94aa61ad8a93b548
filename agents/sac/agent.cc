#include <palaestra/agents/sac/agent.h>

#include <palaestra/agents/box_size.h>
#include <palaestra/agents/policy.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {

namespace {

constexpr Purpose kActPurpose = purpose("sac/act");

}  // namespace

struct Sac::Impl {
  Impl(const Space& observation_space, const Space& action_space, const SacConfig& settings,
       std::uint64_t seed_, Threads threads)
      : config(settings),
        scale("sac", action_space),
        seed(seed_),
        learner(box_size("sac", "observation", observation_space), action_space.size(), config,
                seed, threads),
        policy(
            learner.observation_size(),
            [this](nn::Expr observation) { return learner.actor()(observation, "actor"); },
            learner.actor_vector(), scale, seed, kActPurpose, threads),
        batch_action(static_cast<std::size_t>(config.batch_size * action_space.size())) {}

  SacConfig config;
  ActionScale scale;
  std::uint64_t seed;
  sac::Learner learner;
  Policy policy;
  std::vector<float> batch_action;  // within [-1, 1]
};

Sac::Sac(const Space& observation_space, const Space& action_space, const SacConfig& config,
         std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

Sac::~Sac() = default;

Index Sac::observation_size() const { return impl_->learner.observation_size(); }
Index Sac::action_size() const { return impl_->learner.action_size(); }

void Sac::act(std::span<const float> observations, Index rows, Index first_row, Index step,
              rollout::ActMode mode, int thread, std::span<float> actions) {
  impl_->policy.act(observations, rows, first_row, step, mode, thread, actions);
}

void Sac::update(const replay::Minibatch& batch) {
  impl_->learner.check(batch);
  replay::Minibatch scaled = batch;
  const auto action = std::span(impl_->batch_action).first(batch.action.size());
  impl_->scale.to_unit(batch.action, action);
  scaled.action = action;
  impl_->learner.update(scaled);
}

std::span<const rollout::Metric> Sac::metrics() { return impl_->learner.metrics(); }
Index Sac::updates() const { return impl_->learner.updates(); }

void Sac::save(ArchiveWriter& archive, std::string_view prefix) const {
  impl_->learner.save(archive, prefix);
}

void Sac::load(const ArchiveReader& archive, std::string_view prefix) {
  impl_->learner.load(archive, prefix);
  impl_->policy.set_seed(impl_->learner.seed());
}

const SacConfig& Sac::config() const { return impl_->config; }
sac::Learner& Sac::learner() { return impl_->learner; }

}  // namespace palaestra::agents

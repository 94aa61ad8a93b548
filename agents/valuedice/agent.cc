#include <palaestra/agents/valuedice/agent.h>

#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/box_size.h>
#include <palaestra/agents/policy.h>
#include <palaestra/agents/valuedice/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {
namespace {

constexpr Purpose kActPurpose = purpose("valuedice/act");

std::string_view name_of(const ValueDiceConfig& config) {
  return config.offline ? "valuedice_offline" : "valuedice";
}

}  // namespace

struct ValueDice::Impl {
  Impl(const Space& observation_space, const Space& action_space, const ValueDiceConfig& settings,
       std::uint64_t seed, Threads threads)
      : config(settings),
        observation_size(box_size(name_of(config), "observation", observation_space)),
        scale(name_of(config), action_space),
        learner(observation_size + (config.absorbing ? 1 : 0), action_space.size(), config, seed,
                threads),
        policy(observation_size, Policy::ActionsExpr([this](nn::Expr state, nn::Expr noise) {
                 return act(state, noise);
               }),
               learner.actor_vector(), scale, seed, kActPurpose, threads),
        batch_action(static_cast<std::size_t>(config.batch_size * learner.action_size())),
        shown_action(batch_action.size()) {}

  /// What acts sees no absorbing state.
  Policy::Actions act(nn::Expr state, nn::Expr noise) const {
    if (config.absorbing) {
      const nn::Expr no = nn::constant(state.graph(), 0);
      state = nn::concat_columns({state, broadcast(no, {1, state.shape().rows, 1})});
    }
    const nn::Expr mode = learner.actor()(state, "actor").mode();
    return {.sample = clamp(mode + config.exploration_noise * noise, -1, 1), .mode = mode};
  }

  /// The batch with actions in [-1, 1], which it keeps in `memory`.
  replay::Minibatch scaled(const replay::Minibatch& batch, std::vector<float>& memory) const {
    // the learner says what is wrong with more rows than there is memory for
    if (batch.action.size() > memory.size()) return batch;
    replay::Minibatch result = batch;
    const auto action = std::span(memory).first(batch.action.size());
    scale.to_unit(batch.action, action);
    result.action = action;
    return result;
  }

  ValueDiceConfig config;
  Index observation_size;  // of the environment
  ActionScale scale;
  valuedice::Learner learner;
  Policy policy;
  std::vector<float> batch_action, shown_action;  // within [-1, 1]
};

ValueDice::ValueDice(const Space& observation_space, const Space& action_space,
                     const ValueDiceConfig& config, std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

ValueDice::~ValueDice() = default;

std::string_view ValueDice::name() const { return name_of(impl_->config); }
Index ValueDice::observation_size() const { return impl_->observation_size; }
Index ValueDice::action_size() const { return impl_->learner.action_size(); }

void ValueDice::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                    rollout::ActMode mode, int thread, std::span<float> actions) {
  impl_->policy.act(observations, rows, first_row, step, mode, thread, actions);
}

void ValueDice::update(const replay::Minibatch&) {
  throw UserError(
      concat("agent ", name(), " learns from demonstrations, not from what it did alone"));
}

void ValueDice::imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) {
  impl_->learner.update(impl_->scaled(batch, impl_->batch_action),
                        impl_->scaled(demonstrations, impl_->shown_action));
}

std::span<const rollout::Metric> ValueDice::metrics() { return impl_->learner.metrics(); }
Index ValueDice::updates() const { return impl_->learner.updates(); }

void ValueDice::save(ArchiveWriter& archive, std::string_view prefix) const {
  impl_->learner.save(archive, prefix);
}

void ValueDice::load(const ArchiveReader& archive, std::string_view prefix) {
  impl_->learner.load(archive, prefix);
  impl_->policy.set_seed(impl_->learner.seed());
}

const ValueDiceConfig& ValueDice::config() const { return impl_->config; }
valuedice::Learner& ValueDice::learner() { return impl_->learner; }

}  // namespace palaestra::agents

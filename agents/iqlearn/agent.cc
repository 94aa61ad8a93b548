#include <palaestra/agents/iqlearn/agent.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/box_size.h>
#include <palaestra/agents/choice_policy.h>
#include <palaestra/agents/iqlearn/learner.h>
#include <palaestra/agents/one_hot.h>
#include <palaestra/agents/policy.h>
#include <palaestra/agents/transitions.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {

namespace {

constexpr Purpose kActPurpose = purpose("iqlearn/act");

}  // namespace

struct IqLearn::Impl {
  Impl(const Space& observation_space, const Space& action_space, const IqLearnConfig& settings,
       std::uint64_t seed, Threads threads)
      : config(settings),
        observation_size(box_size("iqlearn", "observation", observation_space)),
        encoding(action_space),
        learner(observation_size + (config.absorbing ? 1 : 0), action_space, config, seed,
                threads) {
    if (encoding.choices > 0) {
      const auto& critic = std::get<iqlearn::ChoiceCritic>(learner.networks());
      choices.emplace(
          observation_size, encoding.choices,
          // what acts reads its parameters under this name
          [&](nn::Expr state) {
            return min_over_members(critic(state, "actor")) / config.temperature;
          },
          learner.critic_vector(), seed, kActPurpose, threads);
      return;
    }
    scale.emplace("iqlearn", action_space);
    own_action.resize(as_size(config.batch_size * encoding.size));
    expert_action.resize(own_action.size());
    numbers.emplace(observation_size,
                    Policy::ActorExpr([this](nn::Expr state) { return actor(state); }),
                    learner.actor_vector(), *scale, seed, kActPurpose, threads);
  }

  /// What acts sees no absorbing state.
  nn::TanhGaussian actor(nn::Expr state) const {
    if (config.absorbing) {
      const nn::Expr no = nn::constant(state.graph(), 0);
      state = nn::concat_columns({state, broadcast(no, {1, state.shape().rows, 1})});
    }
    return std::get<iqlearn::NumberNetworks>(learner.networks()).actor(state, "actor");
  }

  /// The rows with actions as the networks see them, which `memory` holds.
  replay::Minibatch seen(const replay::Minibatch& rows, std::vector<float>& memory) const {
    replay::Minibatch scaled = rows;
    if (scale) {
      const auto action = std::span(memory).first(rows.action.size());
      scale->to_unit(rows.action, action);
      scaled.action = action;
    }
    return scaled;
  }

  void imitate(const replay::Minibatch& own, const replay::Minibatch& expert) {
    learner.check(own, expert);
    encoding.check(own.action, "iqlearn: the batch's action");
    encoding.check(expert.action, "iqlearn: the demonstrations' action");
    learner.update(seen(own, own_action), seen(expert, expert_action));
  }

  void judge(const replay::Minibatch& episode, std::span<float> reward) {
    check_transitions("iqlearn", episode, std::numeric_limits<Index>::max(),
                      learner.observation_size(), learner.action_size());
    require(std::ssize(reward) == episode.rows, "iqlearn: judge: there is room for ", reward.size(),
            " rewards of ", episode.rows, " rows");
    encoding.check(episode.action, "iqlearn: the episode's action");
    judged_action.resize(std::max(judged_action.size(), episode.action.size()));
    learner.reward()(seen(episode, judged_action), reward);
  }

  IqLearnConfig config;
  Index observation_size;  // of the environment
  Encoding encoding;       // of actions
  iqlearn::Learner learner;
  std::optional<ActionScale> scale;  // of numbers
  std::optional<Policy> numbers;
  std::optional<ChoicePolicy> choices;
  std::vector<float> own_action, expert_action, judged_action;  // within [-1, 1]
};

IqLearn::IqLearn(const Space& observation_space, const Space& action_space,
                 const IqLearnConfig& config, std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

IqLearn::~IqLearn() = default;

Index IqLearn::observation_size() const { return impl_->observation_size; }
Index IqLearn::action_size() const { return impl_->encoding.size; }
Index IqLearn::choices() const { return impl_->encoding.choices; }

void IqLearn::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                  rollout::ActMode mode, int thread, std::span<float> actions) {
  if (impl_->choices) {
    impl_->choices->act(observations, rows, first_row, step, mode, thread, actions);
  } else {
    impl_->numbers->act(observations, rows, first_row, step, mode, thread, actions);
  }
}

void IqLearn::update(const replay::Minibatch&) {
  throw UserError("agent iqlearn learns from demonstrations, beside what it did or alone");
}

void IqLearn::imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) {
  impl_->imitate(batch, demonstrations);
}

void IqLearn::judge(const replay::Minibatch& episode, std::span<float> reward) {
  impl_->judge(episode, reward);
}

std::span<const rollout::Metric> IqLearn::metrics() { return impl_->learner.metrics(); }
Index IqLearn::updates() const { return impl_->learner.updates(); }

void IqLearn::save(ArchiveWriter& archive, std::string_view prefix) const {
  impl_->learner.save(archive, prefix);
}

void IqLearn::load(const ArchiveReader& archive, std::string_view prefix) {
  impl_->learner.load(archive, prefix);
  if (impl_->choices) impl_->choices->set_seed(impl_->learner.seed());
  if (impl_->numbers) impl_->numbers->set_seed(impl_->learner.seed());
}

const IqLearnConfig& IqLearn::config() const { return impl_->config; }
iqlearn::Learner& IqLearn::learner() { return impl_->learner; }

}  // namespace palaestra::agents

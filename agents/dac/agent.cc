#include <palaestra/agents/dac/agent.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/box_size.h>
#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/policy.h>
#include <palaestra/agents/preconditioner/preconditioner.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/agents/td3/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {

namespace {

constexpr Purpose kActPurpose = purpose("dac/act");

/// Rows [begin, begin + count) of a minibatch, of the columns that are learnt from.
replay::Minibatch rows_of(const replay::Minibatch& batch, Index begin, Index count) {
  const auto cut = [&](std::span<const float> column) {
    const std::size_t width = column.size() / as_size(batch.rows);
    return column.subspan(as_size(begin) * width, as_size(count) * width);
  };
  replay::Minibatch part;
  part.rows = count;
  part.observation = cut(batch.observation);
  part.action = cut(batch.action);
  part.reward = cut(batch.reward);
  part.discount = cut(batch.discount);
  part.next_observation = cut(batch.next_observation);
  part.weight = cut(batch.weight);
  return part;
}

using AnyLearner = std::variant<std::monostate, sac::Learner, td3::Learner>;

/// f of the one that there is.
template <class F>
auto with(AnyLearner& learner, const F& f) {
  if (auto* soft = std::get_if<sac::Learner>(&learner)) return f(*soft);
  return f(std::get<td3::Learner>(learner));
}

}  // namespace

struct Dac::Impl {
  Impl(const Space& observation_space, const Space& action_space, const DacConfig& settings,
       std::uint64_t seed_, Threads threads_)
      : config(checked(settings)),
        seed(seed_),
        threads(threads_),
        observation_size(box_size("dac", "observation", observation_space)),
        seen(observation_size + (config.absorbing ? 1 : 0)),
        action_size(action_space.size()),
        scale("dac", action_space),
        judge(seen, action_size, config.discriminator, seed, threads),
        batch_action(as_size(config.sampling().batch_size * action_size)),
        shown_action(as_size(config.judged_rows() * action_size)),
        reward(as_size(config.taught_rows())) {
    if (config.learner == DacLearner::kSac) {
      learner.emplace<sac::Learner>(seen, action_size, config.sac, seed, threads, config.absorbing);
    } else {
      learner.emplace<td3::Learner>(seen, action_size, config.td3, seed, threads, config.absorbing);
    }
    if (config.precondition) {
      preconditioner.emplace(seen, action_size, config.preconditioner, config.taught_rows(), seed,
                             threads);
    }
    const auto parameters =
        with(learner, [](auto& l) { return std::span<const float>(l.actor_vector()); });
    policy.emplace(observation_size, Policy::ActionsExpr([this](nn::Expr state, nn::Expr noise) {
                     return act(state, noise);
                   }),
                   parameters, scale, seed, kActPurpose, threads);
    for (const auto& metric : with(learner, [](auto& l) { return l.metrics(); })) {
      names.emplace_back(metric.name);
    }
    names.emplace_back("reward");
    for (const auto& metric : judge.metrics()) {
      names.push_back(concat("discriminator_", metric.name));
    }
    if (preconditioner) {
      for (const auto& metric : preconditioner->metrics()) names.emplace_back(metric.name);
    }
    for (const std::string& name : names) metrics.push_back({name, 0});
  }

  /// What acts sees no absorbing state.
  Policy::Actions act(nn::Expr state, nn::Expr noise) const {
    if (config.absorbing) {
      const nn::Expr no = nn::constant(state.graph(), 0);
      state = nn::concat_columns({state, broadcast(no, {1, state.shape().rows, 1})});
    }
    if (const auto* soft = std::get_if<sac::Learner>(&learner)) {
      const nn::TanhGaussian pi = soft->actor()(state, "actor");
      return {.sample = pi.sample(noise).action, .mode = pi.mode()};
    }
    const nn::Expr action = std::get<td3::Learner>(learner).actor()(state, "actor");
    return {.sample = clamp(action + config.td3.exploration_noise * noise, -1, 1), .mode = action};
  }

  void check(std::string_view what, const replay::Minibatch& batch, Index rows) const {
    require(batch.rows == rows, "dac: ", what, " has ", batch.rows, " rows, expected ", rows);
    const auto column = [&](std::string_view name, std::span<const float> values, Index width) {
      require(static_cast<Index>(values.size()) == rows * width, "dac: column \"", name, "\" of ",
              what, " has ", values.size(), " numbers, expected ", rows, " x ", width);
    };
    column("observation", batch.observation, seen);
    column("action", batch.action, action_size);
    column("reward", batch.reward, 1);
    column("discount", batch.discount, 1);
    column("next_observation", batch.next_observation, seen);
    column("weight", batch.weight, 1);
  }

  Index updates() {
    return with(learner, [](auto& l) { return l.updates(); });
  }
  std::string learner_prefix(std::string_view prefix) const {
    return concat(prefix, config.learner == DacLearner::kSac ? "sac." : "td3.");
  }

  /// With actions in [-1, 1].
  replay::Minibatch in_unit(const replay::Minibatch& batch, std::vector<float>& action) const {
    replay::Minibatch scaled = batch;
    scale.to_unit(batch.action, action);
    scaled.action = action;
    return scaled;
  }

  void imitate(const replay::Minibatch& given, const replay::Minibatch& shown) {
    check("the batch", given, config.sampling().batch_size);
    check("the demonstrations' batch", shown, config.judged_rows());
    const replay::Minibatch own = in_unit(given, batch_action);
    if (preconditioner) preconditioner->update(rows_of(own, 0, config.taught_rows()));
    if (updates() % config.discriminator_interval != 0) return;
    const replay::Minibatch expert = in_unit(shown, shown_action);
    const Index rows = config.discriminator.batch_size;
    for (Index step = 0; step < config.discriminator_steps; ++step) {
      judge.update(rows_of(own, step * rows, rows), rows_of(expert, step * rows, rows));
    }
  }

  void update(const replay::Minibatch& given) {
    check("the batch", given, config.sampling().batch_size);
    const replay::Minibatch taught = rows_of(in_unit(given, batch_action), 0, config.taught_rows());
    with(learner, [&](auto& l) { l.update(taught); });
    std::ranges::copy(taught.reward, reward.begin());
  }

  void judge_rows(const replay::Minibatch& rows, std::span<float> out) {
    const Index ahead = config.rewards == DacRewards::kReleased ? 1 : 0;
    const Index most = config.sampling().batch_size;
    const auto some = [](std::span<const float> column, Index begin, Index count, Index width) {
      return column.subspan(as_size(begin * width), as_size(count * width));
    };
    for (Index begin = ahead; begin < rows.rows; begin += most) {
      replay::Minibatch part;
      part.rows = std::min(most, rows.rows - begin);
      const auto action = std::span(batch_action).first(as_size(part.rows * action_size));
      scale.to_unit(some(rows.action, begin, part.rows, action_size), action);
      part.observation = some(rows.observation, begin, part.rows, seen);
      part.action = action;
      part.next_observation = some(rows.next_observation, begin, part.rows, seen);
      const auto reward_of = out.subspan(as_size(begin - ahead), as_size(part.rows));
      judge.reward(part, reward_of);
      if (!preconditioner) continue;
      for (float& r : reward_of) r *= static_cast<float>(preconditioner->scale());
    }
  }

  DacConfig config;
  std::uint64_t seed;
  Threads threads;
  Index observation_size;  // of the environment
  Index seen;              // by the networks
  Index action_size;
  ActionScale scale;
  discriminator::Learner judge;
  std::optional<Preconditioner> preconditioner;
  AnyLearner learner;
  std::optional<Policy> policy;
  std::vector<float> batch_action, shown_action;  // within [-1, 1]
  std::vector<float> reward;
  std::vector<std::string> names;
  std::vector<rollout::Metric> metrics;
};

Dac::Dac(const Space& observation_space, const Space& action_space, const DacConfig& config,
         std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

Dac::~Dac() = default;

Index Dac::observation_size() const { return impl_->observation_size; }
Index Dac::action_size() const { return impl_->action_size; }

void Dac::act(std::span<const float> observations, Index rows, Index first_row, Index step,
              rollout::ActMode mode, int thread, std::span<float> actions) {
  impl_->policy->act(observations, rows, first_row, step, mode, thread, actions);
}

void Dac::update(const replay::Minibatch& batch) { impl_->update(batch); }

void Dac::imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) {
  impl_->imitate(batch, demonstrations);
}

void Dac::judge(const replay::Minibatch& rows, std::span<float> reward) {
  impl_->judge_rows(rows, reward);
}

std::span<const rollout::Metric> Dac::metrics() {
  Impl& self = *impl_;
  std::size_t next = 0;
  for (const auto& metric : with(self.learner, [](auto& l) { return l.metrics(); })) {
    self.metrics[next++].value = metric.value;
  }
  self.metrics[next++].value = std::accumulate(self.reward.begin(), self.reward.end(), 0.0) /
                               static_cast<double>(self.reward.size());
  for (const auto& metric : self.judge.metrics()) self.metrics[next++].value = metric.value;
  if (self.preconditioner) {
    for (const auto& m : self.preconditioner->metrics()) self.metrics[next++].value = m.value;
  }
  return self.metrics;
}

Index Dac::updates() const { return impl_->updates(); }

void Dac::save(ArchiveWriter& archive, std::string_view prefix) const {
  with(impl_->learner, [&](auto& l) { l.save(archive, impl_->learner_prefix(prefix)); });
  impl_->judge.save(archive, concat(prefix, "discriminator."));
  if (impl_->preconditioner) {
    impl_->preconditioner->save(archive, concat(prefix, "preconditioner."));
  }
}

void Dac::load(const ArchiveReader& archive, std::string_view prefix) {
  Impl& self = *impl_;
  // what may throw goes first, aside: a mismatch must not leave a mixture
  std::optional<Preconditioner::Saved> preconditioner;
  if (self.preconditioner) {
    preconditioner = self.preconditioner->read(archive, concat(prefix, "preconditioner."));
  }
  const std::string judge = concat(prefix, "discriminator.");
  discriminator::Learner(self.seen, action_size(), self.config.discriminator, self.seed,
                         self.threads)
      .load(archive, judge);
  with(self.learner, [&](auto& l) { l.load(archive, self.learner_prefix(prefix)); });
  self.judge.load(archive, judge);
  if (preconditioner) self.preconditioner->take(*std::move(preconditioner));
  self.policy->set_seed(with(self.learner, [](auto& l) { return l.seed(); }));
}

const DacConfig& Dac::config() const { return impl_->config; }
sac::Learner& Dac::sac_learner() { return std::get<sac::Learner>(impl_->learner); }
td3::Learner& Dac::td3_learner() { return std::get<td3::Learner>(impl_->learner); }
discriminator::Learner& Dac::discriminator() { return impl_->judge; }

}  // namespace palaestra::agents

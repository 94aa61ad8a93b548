#include <palaestra/agents/td3/learner.h>

#include <algorithm>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/td3/losses.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::td3 {
namespace {

constexpr Purpose kInitialPurpose = purpose("td3/initial");
constexpr Purpose kNoisePurpose = purpose("td3/update/noise");

constexpr Index kCritics = 2;

enum MetricNumber : unsigned char { kCriticLoss, kValue, kTarget, kActorLoss };

nn::AdamOptions actor_options(const Td3Config& config) {
  nn::AdamOptions options = {.learning_rate = config.actor_learning_rate,
                             .clip_norm = config.actor_clip_norm};
  if (config.actor_halving > 0) {
    options.schedule = {.kind = nn::LearningRateSchedule::Kind::kHalving,
                        .steps = config.actor_halving};
  }
  return options;
}

}  // namespace

Learner::Learner(Index observation_size, Index action_size, const Td3Config& config,
                 std::uint64_t seed, Threads threads, bool absorbing)
    : config_(checked(config)),
      observation_size_(observation_size),
      action_size_(action_size),
      seed_(seed),
      threads_(threads),
      absorbing_(absorbing),
      actor_(observation_size, action_size, config),
      critic_(make_critic(observation_size, action_size, config, kCritics)),
      first_critic_(make_critic(observation_size, action_size, config, 1)),
      actor_trained_(actor_.layout, actor_options(config), Stream(seed, kInitialPurpose, 0)),
      critic_trained_(critic_.layout, {.learning_rate = config.critic_learning_rate},
                      Stream(seed, kInitialPurpose, 1)),
      target_actor_vector_(actor_trained_.values),
      target_critic_vector_(critic_trained_.values),
      first_critic_vector_(zeros(first_critic_.layout.size())),
      critic_step_(compile_critic()),
      actor_step_(compile_actor()),
      noise_(zeros(config.batch_size * action_size)),
      metrics_{{{"critic_loss", 0}, {"value", 0}, {"target", 0}, {"actor_loss", 0}}} {
  bind();
}

// ---- programs

Learner::Program Learner::compile_critic() const {
  nn::Graph graph;
  const Transitions batch = transition_inputs(graph, observation_size_, action_size_);
  const nn::Expr noise = nn::input(graph, "noise", {1, nn::kBatch, action_size_});
  const CriticLoss loss = critic_loss(actor_, critic_, config_, batch, noise,
                                      absorbing_ ? alive(batch.next_observation) : nn::Expr{});
  return {graph,
          {.values = {{"loss", loss.loss},
                      {"value", nn::mean(loss.value)},
                      {"target", nn::mean(loss.target)}},
           .gradients = {{"gradient", loss.loss, "critic", critic_.layout.size()}}},
          {.max_rows = {config_.batch_size}, .name = "td3/critic"}};
}

Learner::Program Learner::compile_actor() const {
  nn::Graph graph;
  const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, observation_size_});
  const nn::Expr loss =
      actor_loss(actor_, first_critic_, observation, absorbing_ ? alive(observation) : nn::Expr{});
  return {graph,
          {.values = {{"loss", loss}},
           .gradients = {{"gradient", loss, "actor", actor_.layout.size()}}},
          {.max_rows = {config_.batch_size}, .name = "td3/actor"}};
}

void Learner::bind() {
  {
    Program& p = critic_step_;
    Handles& h = critic_handles_;
    h.observation = p.input("observation");
    h.action = p.input("action");
    h.reward = p.input("reward");
    h.discount = p.input("discount");
    h.weight = p.input("weight");
    h.next_observation = p.input("next_observation");
    h.noise = p.input("noise");
    h.loss = p.output("loss");
    h.value = p.output("value");
    h.target = p.output("target");
    p.bind_vector(p.vector("critic"), critic_trained_.values);
    p.bind_vector(p.vector("target_actor"), target_actor_vector_);
    p.bind_vector(p.vector("target_critic"), target_critic_vector_);
    p.bind_output(p.output("gradient"), critic_trained_.gradient);
  }
  {
    Program& p = actor_step_;
    Handles& h = actor_handles_;
    h.observation = p.input("observation");
    h.loss = p.output("loss");
    p.bind_vector(p.vector("actor"), actor_trained_.values);
    p.bind_vector(p.vector("first_critic"), first_critic_vector_);
    p.bind_output(p.output("gradient"), actor_trained_.gradient);
  }
}

// ---- an update

void Learner::check(const replay::Minibatch& batch) const {
  check_transitions("td3", batch, config_.batch_size, observation_size_, action_size_);
}

void Learner::update_critic(const replay::Minibatch& batch, std::span<const float> noise) {
  Program& p = critic_step_;
  const Handles& h = critic_handles_;
  p.bind_input(h.observation, batch.observation);
  p.bind_input(h.action, batch.action);
  p.bind_input(h.reward, batch.reward);
  p.bind_input(h.discount, batch.discount);
  p.bind_input(h.weight, batch.weight);
  p.bind_input(h.next_observation, batch.next_observation);
  p.bind_input(h.noise, noise);
  p.run(batch.rows, threads_);

  const double loss = scalar(p, h.loss);
  require_finite("td3", "critic", loss, updates_);
  metrics_[kCriticLoss].value = loss;
  metrics_[kValue].value = scalar(p, h.value);
  metrics_[kTarget].value = scalar(p, h.target);
  critic_trained_.step(threads_);
}

void Learner::update_actor(const replay::Minibatch& batch) {
  constexpr Index kFirst[] = {0};
  nn::gather_members<float>(critic_.layout, critic_trained_.values, kFirst, first_critic_vector_);
  Program& p = actor_step_;
  const Handles& h = actor_handles_;
  p.bind_input(h.observation, batch.observation);
  p.run(batch.rows, threads_);

  const double loss = scalar(p, h.loss);
  require_finite("td3", "actor", loss, updates_);
  metrics_[kActorLoss].value = loss;
  actor_trained_.step(threads_);
}

void Learner::update(const replay::Minibatch& batch) {
  const auto noise = std::span(noise_).first(as_size(batch.rows * action_size_));
  Stream(seed_, kNoisePurpose, static_cast<std::uint64_t>(updates_)).fill_normal(noise);
  update(batch, noise);
}

void Learner::update(const replay::Minibatch& batch, std::span<const float> noise) {
  update_critic(batch, noise);
  if ((updates_ + 1) % config_.actor_interval == 0) {
    if (updates_ >= config_.actor_start) update_actor(batch);
    nn::polyak_average(target_critic_vector_, critic_trained_.values, config_.tau, threads_);
    nn::polyak_average(target_actor_vector_, actor_trained_.values, config_.tau, threads_);
  }
  ++updates_;
}

// ---- files

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  actor_trained_.save(actor_.layout, archive, prefix, "actor");
  critic_trained_.save(critic_.layout, archive, prefix, "critic");
  nn::save<float>(actor_.layout, target_actor_vector_, archive, concat(prefix, "target_actor."));
  nn::save<float>(critic_.layout, target_critic_vector_, archive, concat(prefix, "target_critic."));
  std::vector<double> values;
  for (const auto& metric : metrics_) values.push_back(metric.value);
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  auto actor = actor_trained_.read(actor_.layout, archive, prefix, "actor");
  auto critic = critic_trained_.read(critic_.layout, archive, prefix, "critic");
  auto target_actor = target_actor_vector_;
  auto target_critic = target_critic_vector_;
  nn::load<float>(actor_.layout, archive, concat(prefix, "target_actor."), target_actor);
  nn::load<float>(critic_.layout, archive, concat(prefix, "target_critic."), target_critic);
  std::vector<double> values(metrics_.size());
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "td3: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");

  // copies, not swaps: programs and policies point at these vectors
  actor_trained_.take(std::move(actor));
  critic_trained_.take(std::move(critic));
  std::ranges::copy(target_actor, target_actor_vector_.begin());
  std::ranges::copy(target_critic, target_critic_vector_.begin());
  for (std::size_t i = 0; i < values.size(); ++i) metrics_[i].value = values[i];
  seed_ = static_cast<std::uint64_t>(seed);
  updates_ = updates;
}

// ---- reports

Index Learner::flop(Index rows) const {
  return critic_step_.flop({&rows, 1}) + actor_step_.flop({&rows, 1});
}

std::string Learner::describe() const { return critic_step_.describe() + actor_step_.describe(); }

void Learner::set_profiling(bool on) {
  critic_step_.set_profiling(on);
  actor_step_.set_profiling(on);
}

}  // namespace palaestra::agents::td3

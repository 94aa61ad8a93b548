#include <palaestra/agents/sac/learner.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/sac/losses.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::sac {

namespace {

constexpr Purpose kInitialPurpose = purpose("sac/initial");
constexpr Purpose kNoisePurpose = purpose("sac/update/noise");
constexpr Purpose kDropoutPurpose = purpose("sac/update/dropout");
constexpr Purpose kSubsetPurpose = purpose("sac/update/subset");

enum MetricNumber {
  kCriticLoss,
  kValue,
  kTarget,
  kActorLoss,
  kEntropy,
  kTemperature,
  kTemperatureLoss
};

nn::AdamOptions adam(const SacConfig& config, double learning_rate) {
  return {.learning_rate = learning_rate,
          .weight_decay = config.weight_decay,
          .clip_norm = config.clip_norm};
}

}  // namespace

Learner::Learner(Index observation_size, Index action_size, const SacConfig& config,
                 std::uint64_t seed, Threads threads, bool absorbing)
    : config_(checked(config)),
      observation_size_(observation_size),
      action_size_(action_size),
      seed_(seed),
      threads_(threads),
      absorbing_(absorbing),
      target_entropy_(config.target_entropy != 0 ? config.target_entropy
                                                 : -static_cast<double>(action_size)),
      actor_(observation_size, action_size, config),
      critic_(make_critic(observation_size, action_size, config, config.critics)),
      target_(make_critic(observation_size, action_size, config, config.target_critics)),
      actor_vector_(zeros(actor_.layout.size())),
      critic_vector_(zeros(critic_.layout.size())),
      log_temperature_{static_cast<float>(std::log(config.temperature))},
      actor_gradient_(zeros(actor_.layout.size())),
      critic_gradient_(zeros(critic_.layout.size())),
      temperature_gradient_(1),
      actor_adam_(actor_.layout.size(), adam(config, config.actor_learning_rate)),
      critic_adam_(critic_.layout.size(), adam(config, config.critic_learning_rate)),
      temperature_adam_(1, {.learning_rate = config.temperature_learning_rate}),
      critic_step_(compile_critic()),
      actor_step_(compile_actor()),
      noise_(zeros(2 * config.batch_size * action_size)),
      order_(as_size(config.critics)),
      metrics_{{{"critic_loss", 0},
                {"value", 0},
                {"target", 0},
                {"actor_loss", 0},
                {"entropy", 0},
                {"temperature", config.temperature},
                {"temperature_loss", 0}}} {
  nn::initialize(actor_.layout, Stream(seed, kInitialPurpose, 0), std::span(actor_vector_));
  nn::initialize(critic_.layout, Stream(seed, kInitialPurpose, 1), std::span(critic_vector_));
  target_vector_ = critic_vector_;
  if (config_.target_critics < config_.critics) subset_vector_ = zeros(target_.layout.size());
  bind();
}

// ---- programs

Learner::Program Learner::compile_critic() const {
  nn::Graph graph;
  const Transitions batch = transition_inputs(graph, observation_size_, action_size_);
  const nn::Expr noise = nn::input(graph, "noise", {1, nn::kBatch, action_size_});
  Masks masks;
  if (config_.dropout > 0) {
    masks = {.target = nn::dropout_inputs(graph, "target_mask", target_.net, nn::kBatch),
             .critic = nn::dropout_inputs(graph, "critic_mask", critic_.net, nn::kBatch)};
  }
  const CriticLoss loss =
      critic_loss(actor_, critic_, target_, batch, noise, masks, config_.entropy_backup,
                  absorbing_ ? alive(batch.next_observation) : nn::Expr{});
  return {graph,
          {.values = {{"loss", loss.loss},
                      {"value", nn::mean(loss.value)},
                      {"target", nn::mean(loss.target)}},
           .gradients = {{"gradient", loss.loss, "critic", critic_.layout.size()}}},
          {.max_rows = {config_.batch_size}, .name = "sac/critic"}};
}

Learner::Program Learner::compile_actor() const {
  nn::Graph graph;
  const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, observation_size_});
  const nn::Expr noise = nn::input(graph, "noise", {1, nn::kBatch, action_size_});
  std::vector<nn::Expr> masks;
  if (config_.dropout > 0) {
    masks = nn::dropout_inputs(graph, "critic_mask", critic_.net, nn::kBatch);
  }
  const nn::Expr alive = absorbing_ ? agents::alive(observation) : nn::Expr{};
  const ActorLoss loss = actor_loss(actor_, critic_, observation, noise, masks,
                                    config_.actor_value == ActorValue::kMean, alive);
  const nn::Expr temperature_loss = sac::temperature_loss(loss.log_prob, target_entropy_, alive);
  nn::Outputs outputs = {
      .values = {{"loss", loss.loss},
                 {"entropy", -mean_alive(loss.log_prob, alive)},
                 {"temperature_loss", temperature_loss}},
      .gradients = {{"gradient", loss.loss, "actor", actor_.layout.size()},
                    {"temperature_gradient", temperature_loss, "log_temperature", 1}}};
  return {graph, outputs, {.max_rows = {config_.batch_size}, .name = "sac/actor"}};
}

void Learner::bind_masks(Program& program, std::string_view name, Index members,
                         std::size_t* next) {
  for (std::size_t layer = 0; layer < config_.hidden.size(); ++layer) {
    const std::size_t size = as_size(members * config_.batch_size * config_.hidden[layer]);
    program.bind_input(program.input(concat(name, ".", layer)),
                       std::span<const float>(masks_).subspan(*next, size));
    *next += size;
  }
}

void Learner::bind() {
  const auto find = [](const Program& program, Handles& h) {
    h.observation = program.input("observation");
    h.noise = program.input("noise");
    h.loss = program.output("loss");
  };
  {
    Program& p = critic_step_;
    Handles& h = critic_handles_;
    find(p, h);
    h.action = p.input("action");
    h.reward = p.input("reward");
    h.discount = p.input("discount");
    h.weight = p.input("weight");
    h.next_observation = p.input("next_observation");
    h.value = p.output("value");
    h.target = p.output("target");
    p.bind_vector(p.vector("actor"), actor_vector_);
    p.bind_vector(p.vector("critic"), critic_vector_);
    p.bind_vector(p.vector("target_critic"),
                  subset_vector_.empty() ? target_vector_ : subset_vector_);
    if (config_.entropy_backup) p.bind_vector(p.vector("log_temperature"), log_temperature_);
    p.bind_output(p.output("gradient"), critic_gradient_);
  }
  {
    Program& p = actor_step_;
    Handles& h = actor_handles_;
    find(p, h);
    h.entropy = p.output("entropy");
    h.temperature_loss = p.output("temperature_loss");
    p.bind_vector(p.vector("actor"), actor_vector_);
    p.bind_vector(p.vector("critic"), critic_vector_);
    p.bind_vector(p.vector("log_temperature"), log_temperature_);
    p.bind_output(p.output("gradient"), actor_gradient_);
    p.bind_output(p.output("temperature_gradient"), temperature_gradient_);
  }
  if (config_.dropout > 0) {
    Index width = 0;
    for (const Index hidden : config_.hidden) width += hidden;
    masks_ = zeros((2 * config_.critics + config_.target_critics) * config_.batch_size * width);
    std::size_t next = 0;
    bind_masks(critic_step_, "target_mask", config_.target_critics, &next);
    bind_masks(critic_step_, "critic_mask", config_.critics, &next);
    bind_masks(actor_step_, "critic_mask", config_.critics, &next);
  }
}

// ---- an update

void Learner::check(const replay::Minibatch& batch) const {
  check_transitions("sac", batch, config_.batch_size, observation_size_, action_size_);
}

void Learner::draw_masks() {
  if (masks_.empty()) return;
  Stream random(seed_, kDropoutPurpose, static_cast<std::uint64_t>(updates_));
  nn::fill_dropout(config_.dropout, random, masks_);
}

void Learner::draw_subset() {
  if (subset_vector_.empty()) return;
  Stream random(seed_, kSubsetPurpose, static_cast<std::uint64_t>(updates_));
  const Index chosen = config_.target_critics;
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<Index>(i);
  for (Index i = 0; i < chosen; ++i) {
    std::swap(order_[as_size(i)], order_[as_size(i + random.below(config_.critics - i))]);
  }
  nn::gather_members<float>(critic_.layout, target_vector_,
                            std::span(order_).first(as_size(chosen)), subset_vector_);
}

void Learner::update_critic(const replay::Minibatch& batch, std::span<const float> next_noise) {
  Program& p = critic_step_;
  const Handles& h = critic_handles_;
  p.bind_input(h.observation, batch.observation);
  p.bind_input(h.action, batch.action);
  p.bind_input(h.reward, batch.reward);
  p.bind_input(h.discount, batch.discount);
  p.bind_input(h.weight, batch.weight);
  p.bind_input(h.next_observation, batch.next_observation);
  p.bind_input(h.noise, next_noise);
  p.run(batch.rows, threads_);

  const double loss = scalar(p, h.loss);
  require_finite("sac", "critic", loss, updates_);
  metrics_[kCriticLoss].value = loss;
  metrics_[kValue].value = scalar(p, h.value);
  metrics_[kTarget].value = scalar(p, h.target);
  critic_adam_.step_and_average(critic_vector_, critic_gradient_, target_vector_, config_.tau,
                                threads_);
}

void Learner::update_actor(const replay::Minibatch& batch, std::span<const float> noise) {
  Program& p = actor_step_;
  const Handles& h = actor_handles_;
  p.bind_input(h.observation, batch.observation);
  p.bind_input(h.noise, noise);
  p.run(batch.rows, threads_);

  const double loss = scalar(p, h.loss);
  require_finite("sac", "actor", loss, updates_);
  metrics_[kActorLoss].value = loss;
  metrics_[kEntropy].value = scalar(p, h.entropy);
  metrics_[kTemperature].value = std::exp(log_temperature_[0]);
  metrics_[kTemperatureLoss].value = scalar(p, h.temperature_loss);
  actor_adam_.step(actor_vector_, actor_gradient_, threads_);
  if (config_.learn_temperature) temperature_adam_.step(log_temperature_, temperature_gradient_);
}

void Learner::update(const replay::Minibatch& batch) {
  const auto noise = std::span(noise_).first(as_size(2 * batch.rows * action_size_));
  Stream(seed_, kNoisePurpose, static_cast<std::uint64_t>(updates_)).fill_normal(noise);
  update(batch, noise);
}

void Learner::update(const replay::Minibatch& batch, std::span<const float> noise) {
  draw_masks();
  draw_subset();
  const std::size_t half = noise.size() / 2;
  update_critic(batch, noise.first(half));
  if ((updates_ + 1) % config_.actor_interval == 0) update_actor(batch, noise.subspan(half));
  ++updates_;
}

void Learner::restart_temperature() {
  log_temperature_[0] = static_cast<float>(std::log(config_.temperature));
  temperature_adam_ = nn::Adam(1, {.learning_rate = config_.temperature_learning_rate});
}

void Learner::restart_actor_optimizer() {
  actor_adam_ = nn::Adam(actor_.layout.size(), adam(config_, config_.actor_learning_rate));
}

// ---- files

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  nn::save<float>(actor_.layout, actor_vector_, archive, concat(prefix, "actor."));
  nn::save<float>(critic_.layout, critic_vector_, archive, concat(prefix, "critic."));
  nn::save<float>(critic_.layout, target_vector_, archive, concat(prefix, "target_critic."));
  archive.put(concat(prefix, "log_temperature"), log_temperature_);
  actor_adam_.save(archive, concat(prefix, "actor_adam."));
  critic_adam_.save(archive, concat(prefix, "critic_adam."));
  temperature_adam_.save(archive, concat(prefix, "temperature_adam."));
  std::vector<double> values;
  for (const auto& metric : metrics_) values.push_back(metric.value);
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  auto actor = actor_vector_;
  auto critic = critic_vector_;
  auto target = target_vector_;
  auto log_temperature = log_temperature_;
  auto actor_adam = actor_adam_;
  auto critic_adam = critic_adam_;
  auto temperature_adam = temperature_adam_;
  nn::load<float>(actor_.layout, archive, concat(prefix, "actor."), actor);
  nn::load<float>(critic_.layout, archive, concat(prefix, "critic."), critic);
  nn::load<float>(critic_.layout, archive, concat(prefix, "target_critic."), target);
  archive.get(concat(prefix, "log_temperature"), log_temperature);
  actor_adam.load(archive, concat(prefix, "actor_adam."));
  critic_adam.load(archive, concat(prefix, "critic_adam."));
  temperature_adam.load(archive, concat(prefix, "temperature_adam."));
  std::vector<double> values(metrics_.size());
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "sac: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");

  // copies, not swaps: programs and policies point at these vectors
  std::copy(actor.begin(), actor.end(), actor_vector_.begin());
  std::copy(critic.begin(), critic.end(), critic_vector_.begin());
  std::copy(target.begin(), target.end(), target_vector_.begin());
  log_temperature_[0] = log_temperature[0];
  actor_adam_ = std::move(actor_adam);
  critic_adam_ = std::move(critic_adam);
  temperature_adam_ = std::move(temperature_adam);
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

}  // namespace palaestra::agents::sac

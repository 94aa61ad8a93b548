#include <palaestra/agents/iqlearn/learner.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/agents/iqlearn/losses.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/sac/losses.h>
#include <palaestra/agents/transitions.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::iqlearn {

namespace {

constexpr Purpose kInitialPurpose = purpose("iqlearn/initial");
constexpr Purpose kNoisePurpose = purpose("iqlearn/update/noise");

enum MetricNumber {
  kCriticLoss,
  kValueTerm,
  kChi2Term,
  kExpertReward,
  kOwnReward,
  kMeanValue,
  kActorLoss,
  kEntropy,
  kTemperature,
  kTemperatureLoss
};

bool is_choice(const Space& action) { return action.kind == Space::Kind::kDiscrete; }

IqLearnConfig checked(const IqLearnConfig& config, const Space& action) {
  validate(config);
  constexpr std::string_view kWhy = " is true; accepted: false, since actions are choices";
  require(!(is_choice(action) && config.learn_temperature), "iqlearn: learn_temperature", kWhy);
  require(!(is_choice(action) && config.absorbing), "iqlearn: absorbing", kWhy);
  return config;
}

Networks make_networks(Index observation_size, const Space& action, const IqLearnConfig& config) {
  if (is_choice(action)) return ChoiceCritic(observation_size, action.count, config);
  return NumberNetworks(observation_size, action.size(), config);
}

std::vector<rollout::Metric> make_metrics(const IqLearnConfig& config, bool choices) {
  std::vector<rollout::Metric> metrics = {{"critic_loss", 0},   {"value_term", 0}, {"chi2_term", 0},
                                          {"expert_reward", 0}, {"own_reward", 0}, {"value", 0}};
  if (choices) return metrics;
  metrics.push_back({"actor_loss", 0});
  metrics.push_back({"entropy", 0});
  metrics.push_back({"temperature", config.temperature});
  metrics.push_back({"temperature_loss", 0});
  return metrics;
}

}  // namespace

Learner::Learner(Index observation_size, const Space& action_space, const IqLearnConfig& config,
                 std::uint64_t seed, Threads threads)
    : config_(checked(config, action_space)),
      observation_size_(observation_size),
      action_size_(action_space.size()),
      seed_(seed),
      threads_(threads),
      target_entropy_(config.target_entropy != 0 ? config.target_entropy
                                                 : -static_cast<double>(action_size_)),
      networks_(make_networks(observation_size, action_space, config)),
      critic_(critic_layout(networks_), {.learning_rate = config.critic_learning_rate},
              Stream(seed, kInitialPurpose, 1)),
      target_(critic_.values),
      log_temperature_{static_cast<float>(std::log(config.temperature))},
      temperature_gradient_(1),
      temperature_adam_(1, {.learning_rate = config.temperature_learning_rate}),
      critic_step_(compile_critic()),
      observation_(zeros(2 * config.batch_size * observation_size)),
      action_(zeros(2 * config.batch_size * action_size_)),
      next_observation_(observation_.size()),
      discount_(zeros(2 * config.batch_size)),
      weight_(discount_.size()),
      expert_(discount_.size()),
      metrics_(make_metrics(config, is_choice(action_space))) {
  if (const auto* numbers = std::get_if<NumberNetworks>(&networks_)) {
    actor_.emplace(numbers->actor.layout,
                   nn::AdamOptions{.learning_rate = config.actor_learning_rate},
                   Stream(seed, kInitialPurpose, 0));
    actor_step_ = compile_actor();
    noise_ = zeros(6 * config.batch_size * action_size_);
  }
  bind();
  reward_.emplace(config_, networks_, observation_size_, action_size_, actor_vector(),
                  critic_.values, log_temperature_, seed, threads);
}

std::span<float> Learner::actor_vector() {
  return actor_ ? std::span(actor_->values) : std::span<float>();
}

// ---- programs

Learner::Program Learner::compile_critic() const {
  nn::Graph graph;
  const Rows rows = row_inputs(graph, observation_size_, action_size_);
  const nn::Expr temperature = sac::temperature(graph);
  Values values;
  if (const auto* numbers = std::get_if<NumberNetworks>(&networks_)) {
    const nn::Expr noise = nn::input(graph, "noise", {1, nn::kBatch, action_size_});
    const nn::Expr next_noise = nn::input(graph, "next_noise", {1, nn::kBatch, action_size_});
    values = values_of_numbers(config_, numbers->actor, numbers->critic, rows, noise, next_noise,
                               temperature);
  } else {
    values = values_of_choices(config_, std::get<ChoiceCritic>(networks_), rows, temperature);
  }
  const Objective objective = iqlearn::objective(config_, values, rows);
  return {graph,
          {.values = {{"loss", objective.loss},
                      {"value_term", objective.value_term},
                      {"chi2_term", objective.chi2_term},
                      {"expert_reward", objective.expert_reward},
                      {"own_reward", objective.own_reward},
                      {"value", nn::mean(values.v)}},
           .gradients = {{"gradient", objective.loss, "critic", critic_layout(networks_).size()}}},
          {.max_rows = {2 * config_.batch_size}, .name = "iqlearn/critic"}};
}

Learner::Program Learner::compile_actor() const {
  const auto& [actor, critic] = std::get<NumberNetworks>(networks_);
  nn::Graph graph;
  const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, observation_size_});
  const nn::Expr noise = nn::input(graph, "noise", {1, nn::kBatch, action_size_});
  const nn::Expr alive = config_.absorbing ? agents::alive(observation) : nn::Expr{};
  const sac::ActorLoss loss =
      sac::actor_loss(actor, critic, observation, noise, {}, /*mean_value=*/false, alive);
  const nn::Expr temperature_loss = sac::temperature_loss(loss.log_prob, target_entropy_, alive);
  return {graph,
          {.values = {{"loss", loss.loss},
                      {"entropy", -mean_alive(loss.log_prob, alive)},
                      {"temperature_loss", temperature_loss}},
           .gradients = {{"gradient", loss.loss, "actor", actor.layout.size()},
                         {"temperature_gradient", temperature_loss, "log_temperature", 1}}},
          {.max_rows = {2 * config_.batch_size}, .name = "iqlearn/actor"}};
}

void Learner::bind() {
  Handles& h = handles_;
  {
    Program& p = critic_step_;
    h.observation = p.input("observation");
    h.action = p.input("action");
    h.next_observation = p.input("next_observation");
    h.discount = p.input("discount");
    h.weight = p.input("weight");
    h.expert = p.input("expert");
    h.loss = p.output("loss");
    h.value_term = p.output("value_term");
    h.chi2_term = p.output("chi2_term");
    h.expert_reward = p.output("expert_reward");
    h.own_reward = p.output("own_reward");
    h.value = p.output("value");
    p.bind_vector(p.vector("critic"), critic_.values);
    if (config_.target_network) p.bind_vector(p.vector("target_critic"), target_);
    p.bind_vector(p.vector("log_temperature"), log_temperature_);
    p.bind_output(p.output("gradient"), critic_.gradient);
    p.bind_input(h.observation, observation_);
    p.bind_input(h.action, action_);
    p.bind_input(h.next_observation, next_observation_);
    p.bind_input(h.discount, discount_);
    p.bind_input(h.weight, weight_);
    p.bind_input(h.expert, expert_);
  }
  if (!actor_step_) return;
  h.noise = critic_step_.input("noise");
  h.next_noise = critic_step_.input("next_noise");
  critic_step_.bind_vector(critic_step_.vector("actor"), actor_->values);
  Program& p = *actor_step_;
  h.actor_observation = p.input("observation");
  h.actor_noise = p.input("noise");
  h.actor_loss = p.output("loss");
  h.entropy = p.output("entropy");
  h.temperature_loss = p.output("temperature_loss");
  p.bind_vector(p.vector("actor"), actor_->values);
  p.bind_vector(p.vector("critic"), critic_.values);
  p.bind_vector(p.vector("log_temperature"), log_temperature_);
  p.bind_output(p.output("gradient"), actor_->gradient);
  p.bind_output(p.output("temperature_gradient"), temperature_gradient_);
  p.bind_input(h.actor_observation, observation_);
}

// ---- an update

void Learner::check(const replay::Minibatch& own, const replay::Minibatch& expert) const {
  const auto check = [&](const replay::Minibatch& rows) {
    check_transitions("iqlearn", rows, config_.batch_size, observation_size_, action_size_);
  };
  if (own.rows != 0) check(own);
  check(expert);
}

void Learner::pack(const replay::Minibatch& own, const replay::Minibatch& expert) {
  const auto join = [](std::span<const float> first, std::span<const float> second,
                       std::vector<float>& out) {
    std::ranges::copy(second, std::ranges::copy(first, out.begin()).out);
  };
  join(own.observation, expert.observation, observation_);
  join(own.action, expert.action, action_);
  join(own.next_observation, expert.next_observation, next_observation_);
  join(own.discount, expert.discount, discount_);
  join(own.weight, expert.weight, weight_);
  std::fill(expert_.begin(), expert_.begin() + own.rows, 0.0f);
  std::fill_n(expert_.begin() + own.rows, expert.rows, 1.0f);
}

void Learner::update_critic(Index rows, std::span<const float> noise) {
  Program& p = critic_step_;
  const Handles& h = handles_;
  if (actor_) {
    p.bind_input(h.noise, noise.first(noise.size() / 2));
    p.bind_input(h.next_noise, noise.subspan(noise.size() / 2));
  }
  p.run(rows, threads_);

  const double loss = scalar(p, h.loss);
  require_finite("iqlearn", "critic", loss, updates_);
  metrics_[kCriticLoss].value = loss;
  metrics_[kValueTerm].value = scalar(p, h.value_term);
  metrics_[kChi2Term].value = scalar(p, h.chi2_term);
  metrics_[kExpertReward].value = scalar(p, h.expert_reward);
  metrics_[kOwnReward].value = scalar(p, h.own_reward);
  metrics_[kMeanValue].value = scalar(p, h.value);
  critic_.adam.step_and_average(critic_.values, critic_.gradient, target_, config_.tau, threads_);
}

void Learner::update_actor(Index rows, std::span<const float> noise) {
  Program& p = *actor_step_;
  const Handles& h = handles_;
  p.bind_input(h.actor_noise, noise);
  p.run(rows, threads_);

  const double loss = scalar(p, h.actor_loss);
  require_finite("iqlearn", "actor", loss, updates_);
  metrics_[kActorLoss].value = loss;
  metrics_[kEntropy].value = scalar(p, h.entropy);
  metrics_[kTemperature].value = std::exp(log_temperature_[0]);
  metrics_[kTemperatureLoss].value = scalar(p, h.temperature_loss);
  actor_->step(threads_);
  if (config_.learn_temperature) temperature_adam_.step(log_temperature_, temperature_gradient_);
}

void Learner::update(const replay::Minibatch& own, const replay::Minibatch& expert) {
  const Index rows = own.rows + expert.rows;
  const auto noise =
      std::span(noise_).first(actor_ ? as_size(3 * rows * action_size_) : std::size_t{0});
  Stream(seed_, kNoisePurpose, static_cast<std::uint64_t>(updates_)).fill_normal(noise);
  update(own, expert, noise);
}

void Learner::update(const replay::Minibatch& own, const replay::Minibatch& expert,
                     std::span<const float> noise) {
  const Index rows = own.rows + expert.rows;
  pack(own, expert);
  const std::size_t third = noise.size() / 3;
  update_critic(rows, noise.first(2 * third));
  if (actor_) update_actor(rows, noise.subspan(2 * third));
  ++updates_;
}

Index Learner::flop() const {
  const Index rows = 2 * config_.batch_size;
  return critic_step_.flop({&rows, 1}) + (actor_step_ ? actor_step_->flop({&rows, 1}) : 0);
}

// ---- files

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  if (const auto* numbers = std::get_if<NumberNetworks>(&networks_)) {
    actor_->save(numbers->actor.layout, archive, prefix, "actor");
    temperature_adam_.save(archive, concat(prefix, "temperature_adam."));
  }
  critic_.save(critic_layout(networks_), archive, prefix, "critic");
  nn::save<float>(critic_layout(networks_), target_, archive, concat(prefix, "target_critic."));
  archive.put(concat(prefix, "log_temperature"), log_temperature_);
  std::vector<double> values;
  for (const auto& metric : metrics_) values.push_back(metric.value);
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  std::optional<TrainedVector::Saved> actor;
  auto temperature_adam = temperature_adam_;
  if (const auto* numbers = std::get_if<NumberNetworks>(&networks_)) {
    actor = actor_->read(numbers->actor.layout, archive, prefix, "actor");
    temperature_adam.load(archive, concat(prefix, "temperature_adam."));
  }
  auto critic = critic_.read(critic_layout(networks_), archive, prefix, "critic");
  auto target = target_;
  nn::load<float>(critic_layout(networks_), archive, concat(prefix, "target_critic."), target);
  auto log_temperature = log_temperature_;
  archive.get(concat(prefix, "log_temperature"), log_temperature);
  std::vector<double> values(metrics_.size());
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "iqlearn: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");

  if (actor) actor_->take(std::move(*actor));
  critic_.take(std::move(critic));
  std::ranges::copy(target, target_.begin());  // a copy: the program points at it
  log_temperature_[0] = log_temperature[0];
  temperature_adam_ = std::move(temperature_adam);
  for (std::size_t i = 0; i < values.size(); ++i) metrics_[i].value = values[i];
  seed_ = static_cast<std::uint64_t>(seed);
  reward_->set_seed(seed_);
  updates_ = updates;
}

}  // namespace palaestra::agents::iqlearn

#include <palaestra/agents/decision_transformer/learner.h>

#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/decision_transformer/losses.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::decision_transformer {

namespace {

constexpr Purpose kInitialPurpose = purpose("decision_transformer/initial");
constexpr Purpose kDropoutPurpose = purpose("decision_transformer/update/dropout");

enum MetricNumber { kLoss, kGradientNorm, kLearningRate };

DecisionTransformerConfig checked(const DecisionTransformerConfig& config) {
  validate(config);
  return config;
}

std::vector<float> zeros(Index n) { return std::vector<float>(static_cast<std::size_t>(n)); }

}  // namespace

Learner::Learner(doc::Task task, const DecisionTransformerConfig& config, std::uint64_t seed,
                 Threads threads)
    : config_(checked(config)),
      task_(std::move(task)),
      seed_(seed),
      threads_(threads),
      policy_(task_, config_),
      vector_(zeros(policy_.layout.size())),
      gradient_(zeros(policy_.layout.size())),
      weight_(zeros(config_.batch_size * config_.context)),
      adam_(policy_.layout.size(), {.learning_rate = config_.learning_rate,
                                    .weight_decay = config_.weight_decay,
                                    .clip_norm = config_.clip_norm,
                                    .schedule = {.warmup = config_.warmup}}),
      steps_(task_, config_.batch_size, config_.context),
      dropout_("dropout", policy_.stack, policy_.form, config_.dropout, config_.batch_size),
      step_(compile()),
      loss_(step_.output("loss")),
      metrics_{{{"loss", 0}, {"gradient_norm", 0}, {"learning_rate", 0}}} {
  nn::initialize(policy_.layout, Stream(seed, kInitialPurpose), std::span(vector_));
  step_.bind_vector(step_.vector("policy"), vector_);
  step_.bind_input(step_.input("to_go"), steps_.to_go);
  step_.bind_input(step_.input("observation"), steps_.observation);
  step_.bind_input(step_.input("action"), steps_.action);
  step_.bind_input(step_.input("weight"), weight_);
  step_.bind_output(step_.output("gradient"), gradient_);
  dropout_.bind(step_);
}

nn::Program<float> Learner::compile() const {
  nn::Graph graph;
  const Windows windows = window_inputs(graph, task_, config_.context);
  const auto dropout =
      sequence::Dropout::inputs(graph, "dropout", policy_.stack, policy_.form, config_.dropout);
  const nn::Expr loss = imitation_loss(policy_, windows, dropout);
  return {graph,
          {.values = {{"loss", loss}},
           .gradients = {{"gradient", loss, "policy", policy_.layout.size()}}},
          {.max_rows = {config_.batch_size}, .name = "decision_transformer"}};
}

void Learner::update(const replay::WindowBatch& batch) {
  steps_.fill(task_, batch);
  for (std::size_t i = 0; i < weight_.size(); ++i) {
    weight_[i] = steps_.present[i] / static_cast<float>(steps_.steps);
  }
  Stream random(seed_, kDropoutPurpose, static_cast<std::uint64_t>(updates()));
  dropout_.draw(random);
  step_.run(steps_.windows, threads_);
  const double loss = step_.value(loss_)[0];
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat("decision_transformer diverged: the loss of update ", updates(),
                                    " is ", loss, "; a lower learning_rate may help"));
  }
  metrics_[kLearningRate].value = adam_.learning_rate();
  adam_.step(vector_, gradient_, threads_);
  metrics_[kLoss].value = loss;
  metrics_[kGradientNorm].value = adam_.gradient_norm();
}

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  task_.save(archive, concat(prefix, "task."));
  nn::save(policy_.layout, std::span<const float>(vector_), archive, concat(prefix, "policy."));
  adam_.save(archive, concat(prefix, "adam."));
  archive.put_scalar(concat(prefix, "seed"), static_cast<std::int64_t>(seed_));
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  doc::Task task =
      doc::Task::load(archive, concat(prefix, "task."), task_.observation, task_.action);
  std::vector<float> vector(vector_.size());
  nn::load(policy_.layout, archive, concat(prefix, "policy."), std::span(vector));
  const auto seed = static_cast<std::uint64_t>(archive.get_index(concat(prefix, "seed")));
  adam_.load(archive, concat(prefix, "adam."));
  task_ = std::move(task);
  std::copy(vector.begin(), vector.end(), vector_.begin());
  seed_ = seed;
}

}  // namespace palaestra::agents::decision_transformer

#include <palaestra/agents/decision_transformer/learner.h>

#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/decision_transformer/losses.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::decision_transformer {

namespace {

constexpr Purpose kInitialPurpose = purpose("decision_transformer/initial");
constexpr Purpose kDropoutPurpose = purpose("decision_transformer/update/dropout");

enum MetricNumber { kLoss, kGradientNorm, kLearningRate };

}  // namespace

Learner::Learner(doc::Task task, const DecisionTransformerConfig& config, std::uint64_t seed,
                 Threads threads)
    : config_(checked(config)),
      task_(std::move(task)),
      seed_(seed),
      threads_(threads),
      policy_(task_, config_),
      policy_vector_(policy_.layout,
                     {.learning_rate = config_.learning_rate,
                      .weight_decay = config_.weight_decay,
                      .clip_norm = config_.clip_norm,
                      .schedule = {.warmup = config_.warmup}},
                     Stream(seed, kInitialPurpose)),
      weight_(static_cast<std::size_t>(config_.batch_size * config_.context)),
      steps_(task_, config_.batch_size, config_.context),
      dropout_("dropout", policy_.stack, policy_.form, config_.dropout, config_.batch_size),
      step_(compile()),
      loss_(step_.output("loss")) {
  for (std::size_t i = 0; i < metrics_.size(); ++i) metrics_[i] = {kMetricNames[i], 0};
  step_.bind_vector(step_.vector("policy"), policy_vector_.values);
  step_.bind_input(step_.input("to_go"), steps_.to_go);
  step_.bind_input(step_.input("observation"), steps_.observation);
  step_.bind_input(step_.input("action"), steps_.action);
  step_.bind_input(step_.input("weight"), weight_);
  step_.bind_output(step_.output("gradient"), policy_vector_.gradient);
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
  const double loss = scalar(step_, loss_);
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat("decision_transformer diverged: the loss of update ", updates(),
                                    " is ", loss, "; a lower learning_rate may help"));
  }
  metrics_[kLearningRate].value = policy_vector_.adam.learning_rate();
  policy_vector_.step(threads_);
  metrics_[kLoss].value = loss;
  metrics_[kGradientNorm].value = policy_vector_.adam.gradient_norm();
}

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  task_.save(archive, concat(prefix, "task."));
  policy_vector_.save(policy_.layout, archive, prefix, "policy");
  std::vector<double> values;
  for (const auto& metric : metrics_) values.push_back(metric.value);
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  doc::Task task =
      doc::Task::load(archive, concat(prefix, "task."), task_.observation, task_.action);
  auto policy = policy_vector_.read(policy_.layout, archive, prefix, "policy");
  std::vector<double> values(metrics_.size());
  archive.get(concat(prefix, "metrics"), values);
  const auto seed = static_cast<std::uint64_t>(archive.get_index(concat(prefix, "seed")));
  policy_vector_.take(std::move(policy));
  task_ = std::move(task);
  for (std::size_t i = 0; i < values.size(); ++i) metrics_[i].value = values[i];
  seed_ = seed;
}

}  // namespace palaestra::agents::decision_transformer

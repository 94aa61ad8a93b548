#include <palaestra/agents/doc/learner.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/doc/losses.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::doc {

namespace {

/// Extents of a program without a batch dimension: the windows of a batch are always as many, some
/// of them perhaps padding.
constexpr std::span<const Index> kFixedRows{};

constexpr Purpose kInitialPurpose = purpose("doc/initial");
constexpr Purpose kNoisePurpose = purpose("doc/update/noise");

std::size_t as_size(Index n) { return static_cast<std::size_t>(n); }
std::vector<float> zeros(Index n) { return std::vector<float>(as_size(n)); }

DocConfig checked(const DocConfig& config) {
  validate(config);
  return config;
}

double scalar(const nn::Program<float>& program, int output) { return program.value(output)[0]; }

void require_finite(double loss, std::string_view what, Index update) {
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat("doc diverged: the ", what, " loss of update ", update, " is ",
                                    loss, "; lower learning rates or clip_norm may help"));
  }
}

}  // namespace

Learner::Learner(Task task, const DocConfig& config, std::uint64_t seed, Threads threads)
    : config_(checked(config)),
      task_(std::move(task)),
      seed_(seed),
      threads_(threads),
      nets_(sizes_of(task_, config_), config_),
      blocks_(nets_.sizes, config_.encode_reward),
      model_(zeros(nets_.model.size())),
      critic_(zeros(nets_.critic.layout.size())),
      free_critic_(zeros(nets_.free_critic.layout.size())),
      model_gradient_(model_.size()),
      critic_gradient_(critic_.size()),
      free_critic_gradient_(free_critic_.size()),
      model_adam_(nets_.model.size(), adam_of(config_)),
      critic_adam_(nets_.critic.layout.size(), critic_adam_of(config_)),
      free_critic_adam_(nets_.free_critic.layout.size(), critic_adam_of(config_)),
      mean_(zeros(config_.batch_size * config_.latent)),
      deviation_(mean_.size()),
      noise_(mean_.size()),
      encoder_step_(compile_encoder()),
      critic_step_(compile_critic()),
      free_critic_step_(compile_free_critic()),
      model_step_(compile_model()),
      metrics_{{{"policy_loss", 0},
                {"penalty", 0},
                {"value_loss", 0},
                {"prior_kl", 0},
                {"critic_loss", 0},
                {"free_critic_loss", 0},
                {"information", 0},
                {"gradient_norm", 0}}} {
  nn::initialize(nets_.model, Stream(seed, kInitialPurpose, 0), std::span(model_));
  nn::initialize(nets_.critic.layout, Stream(seed, kInitialPurpose, 1), std::span(critic_));
  nn::initialize(nets_.free_critic.layout, Stream(seed, kInitialPurpose, 2),
                 std::span(free_critic_));
  bind();
}

// ---- programs

Learner::Program Learner::compile_encoder() const {
  nn::Graph graph;
  const Windows w = window_inputs(graph, nets_);
  const nn::DiagonalGaussian q = nets_.encode(w.window);
  return {graph,
          {.values = {{"mean", q.mean}, {"deviation", exp(q.log_std)}}, .gradients = {}},
          {.max_rows = {}, .name = "doc/encoder"}};
}

Learner::Program Learner::compile_critic() const {
  nn::Graph graph;
  const Windows w = window_inputs(graph, nets_);
  const nn::Shape shape{1, nets_.sizes.windows, nets_.latent};
  const nn::Expr mean = nn::input(graph, "mean", shape);
  const nn::Expr deviation = nn::input(graph, "deviation", shape);
  const nn::Expr loss = critic_loss(nets_, w, mean + deviation * w.noise);
  return {graph,
          {.values = {{"loss", loss}},
           .gradients = {{"gradient", loss, "critic", nets_.critic.layout.size()}}},
          {.max_rows = {}, .name = "doc/critic"}};
}

Learner::Program Learner::compile_free_critic() const {
  nn::Graph graph;
  const nn::Expr loss = free_critic_loss(nets_, window_inputs(graph, nets_));
  return {graph,
          {.values = {{"loss", loss}},
           .gradients = {{"gradient", loss, "free_critic", nets_.free_critic.layout.size()}}},
          {.max_rows = {}, .name = "doc/free_critic"}};
}

Learner::Program Learner::compile_model() const {
  nn::Graph graph;
  const ModelLoss loss = model_loss(nets_, window_inputs(graph, nets_), config_);
  nn::Outputs outputs = {.values = {{"total", loss.total},
                                    {"policy_loss", loss.policy},
                                    {"value_loss", loss.value},
                                    {"prior_kl", loss.prior}},
                         .gradients = {{"gradient", loss.total, "model", nets_.model.size()}}};
  if (config_.beta > 0) outputs.values.push_back({"penalty", loss.penalty});
  return {graph, outputs, {.max_rows = {}, .name = "doc/model"}};
}

void Learner::bind() {
  blocks_.bind(encoder_step_);
  encoder_step_.bind_vector(encoder_step_.vector("model"), model_);
  encoder_step_.bind_output(encoder_step_.output("mean"), mean_);
  encoder_step_.bind_output(encoder_step_.output("deviation"), deviation_);

  blocks_.bind(critic_step_);
  critic_step_.bind_input(critic_step_.input("mean"), mean_);
  critic_step_.bind_input(critic_step_.input("deviation"), deviation_);
  critic_step_.bind_input(critic_step_.input("noise"), noise_);
  critic_step_.bind_vector(critic_step_.vector("critic"), critic_);
  critic_step_.bind_output(critic_step_.output("gradient"), critic_gradient_);

  blocks_.bind(free_critic_step_);
  free_critic_step_.bind_vector(free_critic_step_.vector("free_critic"), free_critic_);
  free_critic_step_.bind_output(free_critic_step_.output("gradient"), free_critic_gradient_);

  blocks_.bind(model_step_);
  model_step_.bind_input(model_step_.input("noise"), noise_);
  model_step_.bind_vector(model_step_.vector("model"), model_);
  model_step_.bind_output(model_step_.output("gradient"), model_gradient_);
  handles_ = {.critic = critic_step_.output("loss"),
              .free_critic = free_critic_step_.output("loss"),
              .total = model_step_.output("total"),
              .policy = model_step_.output("policy_loss"),
              .value = model_step_.output("value_loss"),
              .prior = model_step_.output("prior_kl")};
  if (config_.beta == 0) return;
  handles_.penalty = model_step_.output("penalty");
  model_step_.bind_vector(model_step_.vector("critic"), critic_);
  if (config_.penalty == Penalty::kBounded) {
    model_step_.bind_vector(model_step_.vector("free_critic"), free_critic_);
  }
}

// ---- an update

void Learner::update(const replay::WindowBatch& batch) {
  blocks_.fill(task_, batch);
  if (config_.beta > 0) update_critics();
  Stream(seed_, kNoisePurpose, static_cast<std::uint64_t>(updates_), 0).fill_normal(noise_);
  update_model();
  ++updates_;
}

void Learner::update_critics() {
  encoder_step_.run(kFixedRows, threads_);
  for (Index step = 0; step < config_.critic_steps; ++step) {
    Stream(seed_, kNoisePurpose, static_cast<std::uint64_t>(updates_),
           static_cast<std::uint64_t>(step + 1))
        .fill_normal(noise_);
    critic_step_.run(kFixedRows, threads_);
    metrics_[kCriticLoss].value = scalar(critic_step_, handles_.critic);
    require_finite(metrics_[kCriticLoss].value, "critic", updates_);
    critic_adam_.step(critic_, critic_gradient_, threads_);
  }
  free_critic_step_.run(kFixedRows, threads_);
  metrics_[kFreeCriticLoss].value = scalar(free_critic_step_, handles_.free_critic);
  require_finite(metrics_[kFreeCriticLoss].value, "free critic", updates_);
  free_critic_adam_.step(free_critic_, free_critic_gradient_, threads_);
  metrics_[kInformation].value = metrics_[kFreeCriticLoss].value - metrics_[kCriticLoss].value;
}

void Learner::update_model() {
  model_step_.run(kFixedRows, threads_);
  require_finite(scalar(model_step_, handles_.total), "model", updates_);
  metrics_[kPolicyLoss].value = scalar(model_step_, handles_.policy);
  metrics_[kValueLoss].value = scalar(model_step_, handles_.value);
  metrics_[kPriorKl].value = scalar(model_step_, handles_.prior);
  if (config_.beta > 0) metrics_[kPenalty].value = scalar(model_step_, handles_.penalty);
  model_adam_.step(model_, model_gradient_, threads_);
  metrics_[kGradientNorm].value = model_adam_.gradient_norm();
}

void Learner::encode(const replay::WindowBatch& batch, Stream& random, std::span<float> z) {
  require(std::ssize(z) == batch.windows * config_.latent, "doc: room for ", z.size(),
          " numbers of latents, expected ", batch.windows, " x ", config_.latent);
  blocks_.fill(task_, batch);
  encoder_step_.run(kFixedRows, threads_);
  random.fill_normal(z);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = mean_[i] + deviation_[i] * z[i];
}

// ---- files

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  task_.save(archive, concat(prefix, "task."));
  nn::save<float>(nets_.model, model_, archive, concat(prefix, "model."));
  nn::save<float>(nets_.critic.layout, critic_, archive, concat(prefix, "critic."));
  nn::save<float>(nets_.free_critic.layout, free_critic_, archive, concat(prefix, "free_critic."));
  model_adam_.save(archive, concat(prefix, "model_adam."));
  critic_adam_.save(archive, concat(prefix, "critic_adam."));
  free_critic_adam_.save(archive, concat(prefix, "free_critic_adam."));
  std::vector<double> values;
  for (const auto& metric : metrics_) values.push_back(metric.value);
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  Task task = Task::load(archive, concat(prefix, "task."), task_.observation, task_.action);
  require(task.outcomes.size() == task_.outcomes.size(), "doc: the saved task lists ",
          task.outcomes.size(), " outcomes, this one ", task_.outcomes.size());
  auto model = model_, critic = critic_, free_critic = free_critic_;
  auto model_adam = model_adam_, critic_adam = critic_adam_, free_critic_adam = free_critic_adam_;
  nn::load<float>(nets_.model, archive, concat(prefix, "model."), model);
  nn::load<float>(nets_.critic.layout, archive, concat(prefix, "critic."), critic);
  nn::load<float>(nets_.free_critic.layout, archive, concat(prefix, "free_critic."), free_critic);
  model_adam.load(archive, concat(prefix, "model_adam."));
  critic_adam.load(archive, concat(prefix, "critic_adam."));
  free_critic_adam.load(archive, concat(prefix, "free_critic_adam."));
  std::vector<double> values(metrics_.size());
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "doc: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");

  // copies, not swaps: programs and planners point at these vectors
  std::copy(model.begin(), model.end(), model_.begin());
  std::copy(critic.begin(), critic.end(), critic_.begin());
  std::copy(free_critic.begin(), free_critic.end(), free_critic_.begin());
  model_adam_ = std::move(model_adam);
  critic_adam_ = std::move(critic_adam);
  free_critic_adam_ = std::move(free_critic_adam);
  task_ = std::move(task);
  for (std::size_t i = 0; i < values.size(); ++i) metrics_[i].value = values[i];
  seed_ = static_cast<std::uint64_t>(seed);
  updates_ = updates;
}

// ---- reports

Index Learner::flop() const {
  const Index model = model_step_.flop(kFixedRows);
  if (config_.beta == 0) return model;
  return encoder_step_.flop(kFixedRows) + config_.critic_steps * critic_step_.flop(kFixedRows) +
         free_critic_step_.flop(kFixedRows) + model;
}

std::string Learner::describe() const {
  return encoder_step_.describe() + critic_step_.describe() + free_critic_step_.describe() +
         model_step_.describe();
}

void Learner::set_profiling(bool on) {
  for (Program* program : {&encoder_step_, &critic_step_, &free_critic_step_, &model_step_}) {
    program->set_profiling(on);
  }
}

}  // namespace palaestra::agents::doc

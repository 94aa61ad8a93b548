#include <palaestra/agents/doc/learner.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/agents/doc/losses.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kInitialPurpose = purpose("doc/initial");
constexpr Purpose kNoisePurpose = purpose("doc/update/noise");

}  // namespace

Learner::Learner(Task task, const DocConfig& config, std::uint64_t seed, Threads threads)
    : config_(checked(config)),
      threads_(threads),
      nets_(sizes_of(task, config_), config_),
      learnt_(std::move(task), layouts(), adam_of(config_), critic_adam_of(config_), seed,
              kInitialPurpose),
      blocks_(nets_.sizes, config_.encode_reward),
      mean_(zeros(config_.batch_size * config_.latent)),
      deviation_(mean_.size()),
      noise_(mean_.size()),
      encoder_step_(compile_encoder()),
      critic_step_(compile_critic()),
      free_critic_step_(compile_free_critic()),
      model_step_(compile_model()) {
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
  encoder_step_.bind_vector(encoder_step_.vector("model"), learnt_.model.values);
  encoder_step_.bind_output(encoder_step_.output("mean"), mean_);
  encoder_step_.bind_output(encoder_step_.output("deviation"), deviation_);

  blocks_.bind(critic_step_);
  critic_step_.bind_input(critic_step_.input("mean"), mean_);
  critic_step_.bind_input(critic_step_.input("deviation"), deviation_);
  critic_step_.bind_input(critic_step_.input("noise"), noise_);
  critic_step_.bind_vector(critic_step_.vector("critic"), learnt_.critic.values);
  critic_step_.bind_output(critic_step_.output("gradient"), learnt_.critic.gradient);

  blocks_.bind(free_critic_step_);
  free_critic_step_.bind_vector(free_critic_step_.vector("free_critic"),
                                learnt_.free_critic.values);
  free_critic_step_.bind_output(free_critic_step_.output("gradient"), learnt_.free_critic.gradient);

  blocks_.bind(model_step_);
  model_step_.bind_input(model_step_.input("noise"), noise_);
  model_step_.bind_vector(model_step_.vector("model"), learnt_.model.values);
  model_step_.bind_output(model_step_.output("gradient"), learnt_.model.gradient);
  handles_ = {.critic = critic_step_.output("loss"),
              .free_critic = free_critic_step_.output("loss"),
              .total = model_step_.output("total"),
              .policy = model_step_.output("policy_loss"),
              .value = model_step_.output("value_loss"),
              .prior = model_step_.output("prior_kl")};
  if (config_.beta == 0) return;
  handles_.penalty = model_step_.output("penalty");
  model_step_.bind_vector(model_step_.vector("critic"), learnt_.critic.values);
  if (config_.penalty == Penalty::kBounded) {
    model_step_.bind_vector(model_step_.vector("free_critic"), learnt_.free_critic.values);
  }
}

// ---- an update

void Learner::update(const replay::WindowBatch& batch) {
  blocks_.fill(learnt_.task, batch);
  if (config_.beta > 0) update_critics();
  Stream(learnt_.seed, kNoisePurpose, static_cast<std::uint64_t>(learnt_.updates), 0)
      .fill_normal(noise_);
  update_model();
  ++learnt_.updates;
}

void Learner::update_critics() {
  encoder_step_.run(kFixedRows, threads_);
  double loss = 0;
  for (Index step = 0; step < config_.critic_steps; ++step) {
    Stream(learnt_.seed, kNoisePurpose, static_cast<std::uint64_t>(learnt_.updates),
           static_cast<std::uint64_t>(step + 1))
        .fill_normal(noise_);
    critic_step_.run(kFixedRows, threads_);
    loss = scalar(critic_step_, handles_.critic);
    require_finite("doc", "critic", loss, learnt_.updates);
    learnt_.critic.step(threads_);
  }
  free_critic_step_.run(kFixedRows, threads_);
  const double free_loss = scalar(free_critic_step_, handles_.free_critic);
  require_finite("doc", "free critic", free_loss, learnt_.updates);
  learnt_.free_critic.step(threads_);
  learnt_.losses.set_critics(loss, free_loss);
}

void Learner::update_model() {
  model_step_.run(kFixedRows, threads_);
  require_finite("doc", "model", scalar(model_step_, handles_.total), learnt_.updates);
  learnt_.losses[LossesLog::kPolicyLoss] = scalar(model_step_, handles_.policy);
  learnt_.losses[LossesLog::kValueLoss] = scalar(model_step_, handles_.value);
  learnt_.losses[LossesLog::kPriorKl] = scalar(model_step_, handles_.prior);
  if (config_.beta > 0) learnt_.losses[LossesLog::kPenalty] = scalar(model_step_, handles_.penalty);
  learnt_.model.step(threads_);
  learnt_.losses[LossesLog::kGradientNorm] = learnt_.model.adam.gradient_norm();
}

void Learner::encode(const replay::WindowBatch& batch, Stream& random, std::span<float> z) {
  require(std::ssize(z) == batch.windows * config_.latent, "doc: room for ", z.size(),
          " numbers of latents, expected ", batch.windows, " x ", config_.latent);
  blocks_.fill(learnt_.task, batch);
  encoder_step_.run(kFixedRows, threads_);
  random.fill_normal(z);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = mean_[i] + deviation_[i] * z[i];
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

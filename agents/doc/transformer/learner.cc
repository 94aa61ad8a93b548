#include <palaestra/agents/doc/transformer/learner.h>

#include <cmath>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

using nn::Expr;

namespace {

constexpr Purpose kInitialPurpose = purpose("doc/transformer/initial");
constexpr Purpose kUpdatePurpose = purpose("doc/transformer/update");

nn::AdamOptions adam(const SequenceConfig& config, double learning_rate) {
  return {.learning_rate = learning_rate,
          .weight_decay = config.weight_decay,
          .clip_norm = config.clip_norm,
          .schedule = {.warmup = config.warmup}};
}

}  // namespace

SequenceLearner::SequenceLearner(Task task, const SequenceConfig& config, std::uint64_t seed,
                                 Threads threads)
    : config_(checked(config)),
      threads_(threads),
      nets_(task, config_),
      learnt_(std::move(task), layouts(), adam(config_, config_.learning_rate),
              adam(config_, config_.critic_learning_rate), seed, kInitialPurpose),
      blocks_(learnt_.task, config_),
      stack_dropout_("stack_dropout", nets_.stack, nets_.form(nets_.window), config_.dropout,
                     config_.batch_size),
      encoder_dropout_("encoder_dropout", nets_.encoder, nets_.future_form(), config_.dropout,
                       config_.batch_size),
      mean_(zeros(config_.batch_size * config_.latent)),
      log_std_(mean_),
      noise_(mean_),
      features_(zeros(config_.batch_size * nets_.window * config_.width)),
      encoder_step_(compile_encoder()),
      features_step_(compile_features()),
      critic_step_(compile_critics()),
      model_step_(compile_model()),
      critic_loss_(critic_step_.output("loss")),
      free_critic_loss_(critic_step_.output("free_loss")),
      total_(model_step_.output("total")),
      policy_(model_step_.output("policy")),
      value_(model_step_.output("value")),
      prior_(model_step_.output("prior")),
      penalty_(has_critics() ? model_step_.output("penalty") : -1) {
  bind();
}

// ---- programs, for batch_size windows each

SequenceLearner::Program SequenceLearner::compile_encoder() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, learnt_.task, config_.batch_size);
  const auto dropout =
      sequence::Dropout::inputs(graph, "encoder_dropout", nets_.encoder, nets_.future_form(),
                                config_.dropout, config_.batch_size);
  const nn::DiagonalGaussian q = nets_.encode(w.future, w.exists, dropout);
  return {graph,
          {.values = {{"mean", q.mean}, {"log_std", q.log_std}}, .gradients = {}},
          {.max_rows = {}, .name = "doc/transformer/encoder"}};
}

SequenceLearner::Program SequenceLearner::compile_features() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, learnt_.task, config_.batch_size);
  const auto dropout =
      sequence::Dropout::inputs(graph, "stack_dropout", nets_.stack, nets_.form(nets_.window),
                                config_.dropout, config_.batch_size);
  return {graph,
          {.values = {{"features", nets_.features(w.all, nets_.window, dropout)}}, .gradients = {}},
          {.max_rows = {}, .name = "doc/transformer/features"}};
}

SequenceLearner::Program SequenceLearner::compile_critics() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, learnt_.task, config_.batch_size);
  const nn::Shape shape = w.noise.shape();
  const nn::DiagonalGaussian q{nn::input(graph, "mean", shape), nn::input(graph, "log_std", shape)};
  const Expr h = nn::input(graph, "features",
                           {1, nn::times_rows(config_.batch_size, nets_.window), config_.width});
  const Expr loss = sequence_critic_loss(w, log_omega(nets_, w, h, q.sample(w.noise)));
  const Expr free_loss = sequence_critic_loss(w, log_free_omega(nets_, w, h));
  return {
      graph,
      {.values = {{"loss", loss}, {"free_loss", free_loss}},
       .gradients = {{"gradient", loss, "critic", nets_.critic.layout.size()},
                     {"free_gradient", free_loss, "free_critic", nets_.free_critic.layout.size()}}},
      {.max_rows = {}, .name = "doc/transformer/critics"}};
}

SequenceLearner::Program SequenceLearner::compile_model() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, learnt_.task, config_.batch_size);
  const auto dropout = [&](std::string_view name, const nn::Transformer& stack,
                           const nn::Attention& form) {
    return sequence::Dropout::inputs(graph, name, stack, form, config_.dropout, config_.batch_size);
  };
  const SequenceLoss loss = sequence_loss(
      nets_, w, config_, dropout("stack_dropout", nets_.stack, nets_.form(nets_.window)),
      dropout("encoder_dropout", nets_.encoder, nets_.future_form()));
  nn::Outputs outputs{.values = {{"total", loss.total},
                                 {"policy", loss.policy},
                                 {"value", loss.value},
                                 {"prior", loss.prior}},
                      .gradients = {{"gradient", loss.total, "model", nets_.model.size()}}};
  if (has_critics()) outputs.values.push_back({"penalty", loss.penalty});
  return {graph, outputs, {.max_rows = {}, .name = "doc/transformer/model"}};
}

void SequenceLearner::bind() {
  for (Program* program : {&encoder_step_, &features_step_, &critic_step_, &model_step_}) {
    blocks_.bind(*program);
  }
  encoder_step_.bind_vector(encoder_step_.vector("model"), learnt_.model.values);
  encoder_step_.bind_output(encoder_step_.output("mean"), mean_);
  encoder_step_.bind_output(encoder_step_.output("log_std"), log_std_);
  encoder_dropout_.bind(encoder_step_);

  features_step_.bind_vector(features_step_.vector("model"), learnt_.model.values);
  features_step_.bind_output(features_step_.output("features"), features_);
  stack_dropout_.bind(features_step_);

  critic_step_.bind_input(critic_step_.input("features"), features_);
  critic_step_.bind_input(critic_step_.input("mean"), mean_);
  critic_step_.bind_input(critic_step_.input("log_std"), log_std_);
  critic_step_.bind_input(critic_step_.input("noise"), noise_);
  critic_step_.bind_vector(critic_step_.vector("critic"), learnt_.critic.values);
  critic_step_.bind_vector(critic_step_.vector("free_critic"), learnt_.free_critic.values);
  critic_step_.bind_output(critic_step_.output("gradient"), learnt_.critic.gradient);
  critic_step_.bind_output(critic_step_.output("free_gradient"), learnt_.free_critic.gradient);

  model_step_.bind_input(model_step_.input("noise"), noise_);
  model_step_.bind_vector(model_step_.vector("model"), learnt_.model.values);
  model_step_.bind_output(model_step_.output("gradient"), learnt_.model.gradient);
  stack_dropout_.bind(model_step_);
  encoder_dropout_.bind(model_step_);
  model_step_.bind_vector(model_step_.vector("critic"), learnt_.critic.values);
  if (config_.penalty == Penalty::kBounded) {
    model_step_.bind_vector(model_step_.vector("free_critic"), learnt_.free_critic.values);
  }
  if (nets_.listed_outcomes) {
    for (Program* program : {&critic_step_, &model_step_}) {
      program->bind_input(program->input("log_share"), learnt_.task.outcomes.log_share);
    }
  }
}

// ---- updates

void SequenceLearner::update(const replay::WindowBatch& batch) {
  Stream random(learnt_.seed, kUpdatePurpose, static_cast<std::uint64_t>(learnt_.updates));
  blocks_.fill(learnt_.task, batch, random);
  stack_dropout_.draw(random);
  encoder_dropout_.draw(random);
  if (has_critics()) {
    encoder_step_.run(std::span<const Index>(), threads_);
    features_step_.run(std::span<const Index>(), threads_);
    for (Index i = 0; i < config_.critic_steps; ++i) update_critics(random);
  }
  update_model(random);
  ++learnt_.updates;
}

void SequenceLearner::update_critics(Stream& random) {
  random.fill_normal(std::span(noise_));
  critic_step_.run(std::span<const Index>(), threads_);
  const double loss = scalar(critic_step_, critic_loss_);
  const double free_loss = scalar(critic_step_, free_critic_loss_);
  require_finite("doc", "critic", loss, learnt_.updates);
  require_finite("doc", "free critic", free_loss, learnt_.updates);
  learnt_.critic.step(threads_);
  learnt_.free_critic.step(threads_);
  learnt_.losses.set_critics(loss, free_loss);
}

void SequenceLearner::update_model(Stream& random) {
  random.fill_normal(std::span(noise_));
  model_step_.run(std::span<const Index>(), threads_);
  require_finite("doc", "model", scalar(model_step_, total_), learnt_.updates);
  learnt_.model.step(threads_);
  learnt_.losses[LossesLog::kPolicyLoss] = scalar(model_step_, policy_);
  learnt_.losses[LossesLog::kPenalty] = has_critics() ? scalar(model_step_, penalty_) : 0;
  learnt_.losses[LossesLog::kValueLoss] = scalar(model_step_, value_);
  learnt_.losses[LossesLog::kPriorKl] = scalar(model_step_, prior_);
  learnt_.losses[LossesLog::kGradientNorm] = learnt_.model.adam.gradient_norm();
}

void SequenceLearner::encode(const replay::WindowBatch& batch, Stream& random, std::span<float> z) {
  require(z.size() == mean_.size(), "doc: room for ", z.size(), " numbers of latents, expected ",
          mean_.size());
  blocks_.fill(learnt_.task, batch, random);
  encoder_dropout_.keep_all();
  encoder_step_.run(std::span<const Index>(), threads_);
  random.fill_normal(std::span(noise_));
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = mean_[i] + std::exp(log_std_[i]) * noise_[i];
}

// ---- what it costs

Index SequenceLearner::flop() const {
  const std::span<const Index> none;
  const Index critics = has_critics() ? encoder_step_.flop(none) + features_step_.flop(none) +
                                            config_.critic_steps * critic_step_.flop(none)
                                      : 0;
  return critics + model_step_.flop(none);
}

std::string SequenceLearner::describe() const {
  return concat(encoder_step_.describe(), '\n', features_step_.describe(), '\n',
                critic_step_.describe(), '\n', model_step_.describe());
}

void SequenceLearner::set_profiling(bool on) {
  for (Program* program : {&encoder_step_, &features_step_, &critic_step_, &model_step_}) {
    program->set_profiling(on);
  }
}

}  // namespace palaestra::agents::doc

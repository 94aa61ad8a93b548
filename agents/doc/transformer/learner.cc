#include <palaestra/agents/doc/transformer/learner.h>

#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

using nn::Expr;

namespace {

constexpr Purpose kInitialPurpose = purpose("doc/transformer/initial");
constexpr Purpose kUpdatePurpose = purpose("doc/transformer/update");

std::vector<float> zeros(Index n) { return std::vector<float>(static_cast<std::size_t>(n)); }

SequenceConfig checked(const SequenceConfig& config) {
  validate(config);
  return config;
}

nn::AdamOptions adam(const SequenceConfig& config, double learning_rate) {
  return {.learning_rate = learning_rate,
          .weight_decay = config.weight_decay,
          .clip_norm = config.clip_norm,
          .schedule = {.warmup = config.warmup}};
}

double scalar(const nn::Program<float>& program, int output) { return program.value(output)[0]; }

void require_finite(double loss, std::string_view what, Index update) {
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat("doc diverged: the ", what, " loss of update ", update, " is ",
                                    loss, "; a lower learning rate may help"));
  }
}

}  // namespace

SequenceLearner::SequenceLearner(Task task, const SequenceConfig& config, std::uint64_t seed,
                                 Threads threads)
    : config_(checked(config)),
      task_(std::move(task)),
      seed_(seed),
      threads_(threads),
      nets_(task_, config_),
      blocks_(task_, config_),
      stack_dropout_("stack_dropout", nets_.stack, nets_.form(nets_.window), config_.dropout,
                     config_.batch_size),
      encoder_dropout_("encoder_dropout", nets_.encoder, nets_.future_form(), config_.dropout,
                       config_.batch_size),
      model_(zeros(nets_.model.size())),
      critic_(zeros(nets_.critic.layout.size())),
      free_critic_(zeros(nets_.free_critic.layout.size())),
      model_gradient_(model_),
      critic_gradient_(critic_),
      free_critic_gradient_(free_critic_),
      model_adam_(nets_.model.size(), adam(config_, config_.learning_rate)),
      critic_adam_(nets_.critic.layout.size(), adam(config_, config_.critic_learning_rate)),
      free_critic_adam_(nets_.free_critic.layout.size(),
                        adam(config_, config_.critic_learning_rate)),
      mean_(zeros(config_.batch_size * config_.latent)),
      log_std_(mean_),
      noise_(mean_),
      encoder_step_(compile_encoder()),
      critic_step_(compile_critics()),
      model_step_(compile_model()),
      critic_loss_(critic_step_.output("loss")),
      free_critic_loss_(critic_step_.output("free_loss")),
      total_(model_step_.output("total")),
      policy_(model_step_.output("policy")),
      value_(model_step_.output("value")),
      prior_(model_step_.output("prior")),
      penalty_(has_critics() ? model_step_.output("penalty") : -1),
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

// ---- programs, for batch_size windows each

SequenceLearner::Program SequenceLearner::compile_encoder() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, task_, config_.batch_size);
  const auto dropout =
      sequence::Dropout::inputs(graph, "encoder_dropout", nets_.encoder, nets_.future_form(),
                                config_.dropout, config_.batch_size);
  const nn::DiagonalGaussian q = nets_.encode(w.future, w.exists, dropout);
  return {graph,
          {.values = {{"mean", q.mean}, {"log_std", q.log_std}}, .gradients = {}},
          {.max_rows = {}, .name = "doc/transformer/encoder"}};
}

SequenceLearner::Program SequenceLearner::compile_critics() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, task_, config_.batch_size);
  const nn::Shape shape = w.noise.shape();
  const nn::DiagonalGaussian q{nn::input(graph, "mean", shape), nn::input(graph, "log_std", shape)};
  const Expr loss = sequence_critic_loss(w, log_omega(nets_, w, q.sample(w.noise)));
  const Expr free_loss = sequence_critic_loss(w, log_free_omega(nets_, w));
  return {
      graph,
      {.values = {{"loss", loss}, {"free_loss", free_loss}},
       .gradients = {{"gradient", loss, "critic", nets_.critic.layout.size()},
                     {"free_gradient", free_loss, "free_critic", nets_.free_critic.layout.size()}}},
      {.max_rows = {}, .name = "doc/transformer/critics"}};
}

SequenceLearner::Program SequenceLearner::compile_model() const {
  nn::Graph graph;
  const SequenceWindows w = sequence_inputs(graph, nets_, task_, config_.batch_size);
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
  for (Program* program : {&encoder_step_, &critic_step_, &model_step_}) blocks_.bind(*program);
  encoder_step_.bind_vector(encoder_step_.vector("model"), model_);
  encoder_step_.bind_output(encoder_step_.output("mean"), mean_);
  encoder_step_.bind_output(encoder_step_.output("log_std"), log_std_);
  encoder_dropout_.bind(encoder_step_);

  critic_step_.bind_input(critic_step_.input("mean"), mean_);
  critic_step_.bind_input(critic_step_.input("log_std"), log_std_);
  critic_step_.bind_input(critic_step_.input("noise"), noise_);
  critic_step_.bind_vector(critic_step_.vector("critic"), critic_);
  critic_step_.bind_vector(critic_step_.vector("free_critic"), free_critic_);
  critic_step_.bind_output(critic_step_.output("gradient"), critic_gradient_);
  critic_step_.bind_output(critic_step_.output("free_gradient"), free_critic_gradient_);

  model_step_.bind_input(model_step_.input("noise"), noise_);
  model_step_.bind_vector(model_step_.vector("model"), model_);
  model_step_.bind_output(model_step_.output("gradient"), model_gradient_);
  stack_dropout_.bind(model_step_);
  encoder_dropout_.bind(model_step_);
  model_step_.bind_vector(model_step_.vector("critic"), critic_);
  if (config_.penalty == Penalty::kBounded) {
    model_step_.bind_vector(model_step_.vector("free_critic"), free_critic_);
  }
  if (nets_.listed_outcomes) {
    for (Program* program : {&critic_step_, &model_step_}) {
      program->bind_input(program->input("log_share"), task_.outcomes.log_share);
    }
  }
}

// ---- updates

void SequenceLearner::update(const replay::WindowBatch& batch) {
  Stream random(seed_, kUpdatePurpose, static_cast<std::uint64_t>(updates_));
  blocks_.fill(task_, batch, random);
  stack_dropout_.draw(random);
  encoder_dropout_.draw(random);
  if (has_critics()) {
    encoder_step_.run(std::span<const Index>(), threads_);
    for (Index i = 0; i < config_.critic_steps; ++i) update_critics(random);
  }
  update_model(random);
  ++updates_;
}

void SequenceLearner::update_critics(Stream& random) {
  random.fill_normal(std::span(noise_));
  critic_step_.run(std::span<const Index>(), threads_);
  const double loss = scalar(critic_step_, critic_loss_);
  const double free_loss = scalar(critic_step_, free_critic_loss_);
  require_finite(loss, "critic's", updates_);
  require_finite(free_loss, "critic's", updates_);
  critic_adam_.step(critic_, critic_gradient_, threads_);
  free_critic_adam_.step(free_critic_, free_critic_gradient_, threads_);
  metrics_[kCriticLoss].value = loss;
  metrics_[kFreeCriticLoss].value = free_loss;
  metrics_[kInformation].value = free_loss - loss;
}

void SequenceLearner::update_model(Stream& random) {
  random.fill_normal(std::span(noise_));
  model_step_.run(std::span<const Index>(), threads_);
  require_finite(scalar(model_step_, total_), "model's", updates_);
  model_adam_.step(model_, model_gradient_, threads_);
  metrics_[kPolicyLoss].value = scalar(model_step_, policy_);
  metrics_[kPenalty].value = has_critics() ? scalar(model_step_, penalty_) : 0;
  metrics_[kValueLoss].value = scalar(model_step_, value_);
  metrics_[kPriorKl].value = scalar(model_step_, prior_);
  metrics_[kGradientNorm].value = model_adam_.gradient_norm();
}

void SequenceLearner::encode(const replay::WindowBatch& batch, Stream& random, std::span<float> z,
                             std::span<float> observation) {
  require(z.size() == mean_.size() && observation.size() == blocks_.present_observation().size(),
          "doc: encode() got ", z.size(), " and ", observation.size(), " numbers, expected ",
          mean_.size(), " and ", blocks_.present_observation().size());
  blocks_.fill(task_, batch, random);
  encoder_dropout_.keep_all();
  encoder_step_.run(std::span<const Index>(), threads_);
  random.fill_normal(std::span(noise_));
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = mean_[i] + std::exp(log_std_[i]) * noise_[i];
  std::ranges::copy(blocks_.present_observation(), observation.begin());
}

// ---- saving

void SequenceLearner::save(ArchiveWriter& archive, std::string_view prefix) const {
  task_.save(archive, concat(prefix, "task."));
  nn::save(nets_.model, std::span<const float>(model_), archive, concat(prefix, "model."));
  nn::save(nets_.critic.layout, std::span<const float>(critic_), archive,
           concat(prefix, "critic."));
  nn::save(nets_.free_critic.layout, std::span<const float>(free_critic_), archive,
           concat(prefix, "free_critic."));
  model_adam_.save(archive, concat(prefix, "model_adam."));
  critic_adam_.save(archive, concat(prefix, "critic_adam."));
  free_critic_adam_.save(archive, concat(prefix, "free_critic_adam."));
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void SequenceLearner::load(const ArchiveReader& archive, std::string_view prefix) {
  Task task = Task::load(archive, concat(prefix, "task."), task_.observation, task_.action);
  require(task.outcomes.size() == task_.outcomes.size(), "doc: the saved task lists ",
          task.outcomes.size(), " outcomes, this one ", task_.outcomes.size());
  std::vector<float> model(model_.size()), critic(critic_.size()), free(free_critic_.size());
  nn::load(nets_.model, archive, concat(prefix, "model."), std::span(model));
  nn::load(nets_.critic.layout, archive, concat(prefix, "critic."), std::span(critic));
  nn::load(nets_.free_critic.layout, archive, concat(prefix, "free_critic."), std::span(free));
  const auto seed = static_cast<std::uint64_t>(archive.get_index(concat(prefix, "seed")));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "doc: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");
  nn::Adam model_adam = model_adam_, critic_adam = critic_adam_, free_adam = free_critic_adam_;
  model_adam.load(archive, concat(prefix, "model_adam."));
  critic_adam.load(archive, concat(prefix, "critic_adam."));
  free_adam.load(archive, concat(prefix, "free_critic_adam."));
  // nothing below throws; programs hold the addresses of the vectors' numbers
  model_adam_ = std::move(model_adam);
  critic_adam_ = std::move(critic_adam);
  free_critic_adam_ = std::move(free_adam);
  std::ranges::copy(model, model_.begin());
  std::ranges::copy(critic, critic_.begin());
  std::ranges::copy(free, free_critic_.begin());
  task_ = std::move(task);
  seed_ = seed;
  updates_ = updates;
  bind();
}

// ---- what it costs

Index SequenceLearner::flop() const {
  const std::span<const Index> none;
  const Index critics =
      has_critics() ? encoder_step_.flop(none) + config_.critic_steps * critic_step_.flop(none) : 0;
  return critics + model_step_.flop(none);
}

std::string SequenceLearner::describe() const {
  return concat(encoder_step_.describe(), '\n', critic_step_.describe(), '\n',
                model_step_.describe());
}

void SequenceLearner::set_profiling(bool on) {
  for (Program* program : {&encoder_step_, &critic_step_, &model_step_}) program->set_profiling(on);
}

}  // namespace palaestra::agents::doc

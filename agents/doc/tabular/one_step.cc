#include <palaestra/agents/doc/tabular/one_step.h>

#include <algorithm>
#include <cmath>

#include <palaestra/agents/doc/tabular/table.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {
namespace {

constexpr Purpose kDrawLatents = purpose("doc/one_step/latents");
constexpr Purpose kOneStepStart = purpose("doc/one_step/start");

/// The arithmetic of the published code.
nn::AdamOptions adam_options(const OneStepConfig& config) {
  return {.learning_rate = config.learning_rate, .epsilon = 1e-7};
}

}  // namespace

OneStepDoc::OneStepDoc(Index actions, std::span<const double> rho, const OneStepConfig& config,
                       std::uint64_t seed)
    : config_((validate(config), config)),
      tables_(actions, std::ssize(rho), config.latents),
      seed_(seed),
      parameters_(static_cast<std::size_t>(tables_.tables.size())),
      critic_(static_cast<std::size_t>(tables_.critic.size())),
      gradient_(parameters_.size()),
      critic_gradient_(critic_.size()),
      adam_(tables_.tables.size(), adam_options(config)),
      critic_adam_(tables_.critic.size(), adam_options(config)),
      program_(compile()) {
  const auto rows = static_cast<std::size_t>(config_.batch_size);
  const auto outcomes = static_cast<std::size_t>(tables_.outcomes);
  pair_.resize(rows * static_cast<std::size_t>(actions) * outcomes);
  action_.resize(rows * static_cast<std::size_t>(actions));
  outcome_.resize(rows * outcomes);
  for (const double probability : rho) {
    require(probability > 0 && probability <= 1, "rho has ", probability,
            "; accepted: above 0, up to 1");
    log_rho_.push_back(static_cast<float>(std::log(probability)));
  }
  Stream start(seed, kOneStepStart);
  fill_truncated_normal(start, parameters_);
  fill_truncated_normal(start, critic_);

  program_.bind_input(program_.input("pair"), pair_);
  program_.bind_input(program_.input("action"), action_);
  program_.bind_input(program_.input("outcome"), outcome_);
  if (config_.constraint != Constraint::kNone) {
    program_.bind_input(program_.input("log_rho"), log_rho_);
    program_.bind_vector(program_.vector("critic"), critic_);
  }
  if (config_.estimator == Estimator::kStraightThrough) {
    uniform_.resize(rows * static_cast<std::size_t>(config_.latents));
    program_.bind_input(program_.input("uniform"), uniform_);
  }
  program_.bind_vector(program_.vector("tables"), parameters_);
  program_.bind_output(program_.output("tables"), gradient_);
  if (config_.constraint != Constraint::kNone) {
    program_.bind_output(program_.output("critic"), critic_gradient_);
  }
}

nn::Program<float> OneStepDoc::compile() const {
  nn::Graph graph;
  const OneStepRows rows = one_step_inputs(graph, tables_);
  const OneStepTerms terms =
      config_.estimator == Estimator::kEnumeration
          ? enumerated_terms(tables_, rows, config_.stop_value)
          : straight_through_terms(tables_, rows,
                                   nn::input(graph, "uniform", {1, nn::kBatch, config_.latents}),
                                   config_.stop_value);
  nn::Expr loss = mean(terms.policy) + mean(terms.value) + mean(terms.prior);
  if (config_.kl > 0) {
    loss = loss + config_.kl * mean(terms.kl);
  }
  nn::Outputs outputs;
  if (config_.constraint != Constraint::kNone) {
    const nn::Expr critic_loss = config_.beta * -mean(terms.bracket);
    const bool against = config_.constraint == Constraint::kPaper;
    loss = against ? loss - critic_loss : loss + critic_loss;
    outputs.gradients.push_back({"critic", critic_loss, "critic", tables_.critic.size()});
  }
  outputs.gradients.push_back({"tables", loss, "tables", tables_.tables.size()});
  return {graph, outputs, {.max_rows = {config_.batch_size}, .name = "doc/one_step"}};
}

void OneStepDoc::update(std::span<const Index> action, std::span<const Index> outcome) {
  const auto rows = std::ssize(action);
  require(rows >= 1 && rows <= config_.batch_size && std::ssize(outcome) == rows, "a batch of ",
          rows, " actions and ", outcome.size(), " outcomes; accepted: 1 to ", config_.batch_size,
          ", equally many");
  for (std::size_t i = 0; i < action.size(); ++i) {
    require(action[i] >= 0 && action[i] < tables_.actions, "action ", i, " is ", action[i],
            "; accepted: 0 to ", tables_.actions - 1);
    require(outcome[i] >= 0 && outcome[i] < tables_.outcomes, "outcome ", i, " is ", outcome[i],
            "; accepted: 0 to ", tables_.outcomes - 1);
  }
  std::ranges::fill(pair_, 0.0f);
  std::ranges::fill(action_, 0.0f);
  std::ranges::fill(outcome_, 0.0f);
  for (Index i = 0; i < rows; ++i) {
    const Index a = action[static_cast<std::size_t>(i)], r = outcome[static_cast<std::size_t>(i)];
    pair_[static_cast<std::size_t>((i * tables_.actions + a) * tables_.outcomes + r)] = 1;
    action_[static_cast<std::size_t>(i * tables_.actions + a)] = 1;
    outcome_[static_cast<std::size_t>(i * tables_.outcomes + r)] = 1;
  }
  if (!uniform_.empty()) {
    Stream random(seed_, kDrawLatents, 0, static_cast<std::uint64_t>(updates()));
    random.fill_uniform(std::span<float>(uniform_));
  }
  program_.run(rows);
  adam_.step(parameters_, gradient_);
  if (config_.constraint != Constraint::kNone) {
    critic_adam_.step(critic_, critic_gradient_);
  }
}

std::vector<double> OneStepDoc::encoder(Index action, Index outcome) const {
  return softmax_row(parameters_, tables_.q, action * tables_.outcomes + outcome, tables_.latents);
}
std::vector<double> OneStepDoc::policy(Index latent) const {
  return softmax_row(parameters_, tables_.pi, latent, tables_.actions);
}
std::vector<double> OneStepDoc::outcome_law(Index latent) const {
  return softmax_row(parameters_, tables_.v, latent, tables_.outcomes);
}
std::vector<double> OneStepDoc::prior() const {
  return softmax_row(parameters_, tables_.p, 0, tables_.latents);
}

}  // namespace palaestra::agents::doc

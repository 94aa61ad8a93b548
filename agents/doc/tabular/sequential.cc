#include <palaestra/agents/doc/tabular/sequential.h>

#include <cmath>
#include <map>

#include <palaestra/agents/doc/tabular/table.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::agents::doc {

using nn::Axis;
using nn::Expr;

namespace {

constexpr Purpose kSequentialStart = purpose("doc/sequential/start");

std::string of_action(const char* name, Index action) { return concat(name, action); }

/// x log x, 0 at 0.
Expr x_log_x(Expr x) { return x * log(maximum(x, nn::constant(x.graph(), 1e-30))); }
double x_log_x(double x) { return x > 0 ? x * std::log(x) : 0; }

/// Which trajectories pass each event, as rows of zeros and ones.
struct Passes {
  std::map<std::vector<Index>, Index> row;
  std::vector<float> passes;

  void add(const std::vector<Index>& event, Index trajectory, Index trajectories) {
    const auto [at, is_new] = row.try_emplace(event, std::ssize(row));
    if (is_new) {
      passes.resize(passes.size() + static_cast<std::size_t>(trajectories), 0.0f);
    }
    passes[static_cast<std::size_t>(at->second * trajectories + trajectory)] = 1;
  }
};

}  // namespace

SequentialDoc::SequentialDoc(TrajectoryLaw law, const SequentialConfig& config, std::uint64_t seed)
    : law_((require_valid(law), std::move(law))),
      config_((validate(config), config)),
      q_(layout_.add("q", {1, law_.size(), config.latents}, nn::Initializer::normal(1))),
      pi_(layout_.add("pi", {1, law_.actions * law_.states, config.latents},
                      nn::Initializer::normal(1))),
      parameters_(static_cast<std::size_t>(layout_.size())),
      gradient_(parameters_.size()),
      adam_(layout_.size(), {.learning_rate = config.learning_rate}),
      program_((count_events(), compile())) {
  Stream start(seed, kSequentialStart);
  fill_truncated_normal(start, parameters_);
  program_.bind_vector(program_.vector("tables"), parameters_);
  program_.bind_output(program_.output("tables"), gradient_);
  program_.bind_input(program_.input("probability"), probability_);
  for (Index a = 0; a < law_.actions; ++a) {
    program_.bind_input(program_.input(of_action("taken.", a)),
                        taken_[static_cast<std::size_t>(a)]);
  }
  if (config_.constraint != Constraint::kNone) {
    program_.bind_input(program_.input("passes_pair"), passes_pair_);
    program_.bind_input(program_.input("passes_outcome"), passes_outcome_);
  }
  if (!config_.stop_value) {
    program_.bind_input(program_.input("return"), scaled_return_);
  }
}

void SequentialDoc::count_events() {
  const Index all = law_.size();
  const double low = law_.lowest(), range = std::max(law_.highest() - low, 1e-12);
  taken_.assign(static_cast<std::size_t>(law_.actions),
                std::vector<float>(static_cast<std::size_t>(law_.states * all), 0.0f));
  Passes pairs, outcomes;
  for (Index i = 0; i < all; ++i) {
    const Trajectory& trajectory = law_.trajectories[static_cast<std::size_t>(i)];
    probability_.push_back(static_cast<float>(trajectory.probability));
    scaled_return_.push_back(static_cast<float>((trajectory.total - low) / range));
    Index time = 0;
    for (const TrajectoryStep& step : trajectory.steps) {
      taken_[static_cast<std::size_t>(step.action)]
            [static_cast<std::size_t>(step.state * all + i)] += 1;
      pairs.add({time, step.state, step.action}, i, all);
      outcomes.add({time, step.state, step.action, step.outcome}, i, all);
      ++time;
    }
  }
  pairs_ = std::ssize(pairs.row);
  outcomes_ = std::ssize(outcomes.row);
  passes_pair_ = std::move(pairs.passes);
  passes_outcome_ = std::move(outcomes.passes);
}

nn::Program<float> SequentialDoc::compile() const {
  nn::Graph graph;
  const Index all = law_.size(), latents = config_.latents;
  const Expr logits = nn::parameter(graph, "tables", q_, {1, all, latents});
  const Expr q = softmax(logits);
  // the law of (τ, z): everything below is a sum over it
  const Expr joint = nn::input(graph, "probability", {1, all, 1}) * q;

  // −Σ Pr[s, a, z] log π(a|s,z); logits of π are one [states, latents] table per action
  std::vector<Expr> pi;
  Expr normaliser;
  for (Index a = 0; a < law_.actions; ++a) {
    pi.push_back(
        nn::parameter(graph, "tables", pi_ + a * law_.states * latents, {1, law_.states, latents}));
    const Expr last = pi.back();
    normaliser = a == 0 ? last : maximum(normaliser, last) + softplus(-abs(normaliser - last));
  }
  Expr loss = nn::constant(graph, 0);
  for (Index a = 0; a < law_.actions; ++a) {
    const Expr taken = nn::input(graph, of_action("taken.", a), {1, law_.states, all});
    loss = loss - sum(matmul(taken, joint) * (pi[static_cast<std::size_t>(a)] - normaliser));
  }

  // Σ_t I(o_t; z | s_t, a_t), up to what does not depend on q
  if (config_.constraint != Constraint::kNone) {
    const Expr of_pair = matmul(nn::input(graph, "passes_pair", {1, pairs_, all}), joint);
    const Expr of_outcome = matmul(nn::input(graph, "passes_outcome", {1, outcomes_, all}), joint);
    const Expr information = sum(x_log_x(of_outcome)) - sum(x_log_x(of_pair));
    const double sign = config_.constraint == Constraint::kPaper ? 1 : -1;
    loss = loss + sign * config_.beta * information;
  }

  const Expr prior = sum(joint, Axis::kRows);
  if (config_.kl > 0) {  // of each trajectory's q to their mean
    loss = loss + config_.kl *
                      sum(joint * (log_softmax(logits) -
                                   log(maximum(stop_gradient(prior), nn::constant(graph, 1e-30)))));
  }
  if (!config_.stop_value) {  // squared error in units of the range of returns; V is at its best
    const Expr value = nn::input(graph, "return", {1, all, 1});
    const Expr best =
        stop_gradient(sum(joint * value, Axis::kRows) / maximum(prior, nn::constant(graph, 1e-30)));
    loss = loss + sum(joint * square(value - best));
  }
  nn::Outputs outputs;
  outputs.gradients.push_back({"tables", loss, "tables", layout_.size()});
  return {graph, outputs, {.max_rows = {1}, .name = "doc/sequential"}};
}

void SequentialDoc::update() {
  program_.run(1);
  adam_.step(parameters_, gradient_);
}

std::vector<double> SequentialDoc::encoder(Index trajectory) const {
  return softmax_row(parameters_, q_, trajectory, config_.latents);
}

std::vector<double> SequentialDoc::policy(Index latent) const {
  std::vector<double> result(static_cast<std::size_t>(law_.states * law_.actions));
  for (Index s = 0; s < law_.states; ++s) {
    std::vector<float> row;
    for (Index a = 0; a < law_.actions; ++a) {
      row.push_back(parameters_[static_cast<std::size_t>(
          pi_ + (a * law_.states + s) * config_.latents + latent)]);
    }
    const auto probabilities = softmax_row(row, 0, 0, law_.actions);
    std::ranges::copy(probabilities, result.begin() + s * law_.actions);
  }
  return result;
}

std::vector<double> SequentialDoc::prior() const {
  std::vector<double> result(static_cast<std::size_t>(config_.latents), 0.0);
  for (Index i = 0; i < law_.size(); ++i) {
    const auto q = encoder(i);
    for (std::size_t z = 0; z < result.size(); ++z) {
      result[z] += law_.trajectories[static_cast<std::size_t>(i)].probability * q[z];
    }
  }
  return result;
}

std::vector<double> SequentialDoc::values() const {
  const auto mass = prior();
  std::vector<double> result(mass.size(), 0.0);
  double overall = 0;
  for (Index i = 0; i < law_.size(); ++i) {
    const Trajectory& trajectory = law_.trajectories[static_cast<std::size_t>(i)];
    const auto q = encoder(i);
    overall += trajectory.probability * trajectory.total;
    for (std::size_t z = 0; z < result.size(); ++z) {
      result[z] += trajectory.probability * q[z] * trajectory.total;
    }
  }
  for (std::size_t z = 0; z < result.size(); ++z) {
    result[z] = mass[z] > 0 ? result[z] / mass[z] : overall;
  }
  return result;
}

double SequentialDoc::information() const {
  const auto conditional = [&](const std::vector<float>& passes, Index events) {
    double total = 0;  // Σ over events and z of x log x, less that of the events alone
    for (Index e = 0; e < events; ++e) {
      std::vector<double> joint(static_cast<std::size_t>(config_.latents), 0.0);
      double whole = 0;
      for (Index i = 0; i < law_.size(); ++i) {
        if (passes[static_cast<std::size_t>(e * law_.size() + i)] > 0) {
          const double probability = law_.trajectories[static_cast<std::size_t>(i)].probability;
          const auto q = encoder(i);
          whole += probability;
          for (std::size_t z = 0; z < q.size(); ++z) {
            joint[z] += probability * q[z];
          }
        }
      }
      for (const double x : joint) {
        total += x_log_x(x);
      }
      total -= x_log_x(whole);
    }
    return total;
  };
  return conditional(passes_outcome_, outcomes_) - conditional(passes_pair_, pairs_);
}

}  // namespace palaestra::agents::doc

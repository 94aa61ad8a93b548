#include <palaestra/agents/doc/tabular/losses.h>

#include <vector>

#include <palaestra/nn/distributions.h>

namespace palaestra::agents::doc {

using nn::Axis;
using nn::Expr;
using nn::kBatch;

namespace {

constexpr double kSpread = 1.0;  // standard deviation of a table's first entries

Expr over_columns(Expr x) { return sum(x, Axis::kColumns); }

/// −Σ x log softmax(logits), row by row.
Expr cross_entropy(Expr x, Expr logits) { return -over_columns(x * log_softmax(logits)); }

Expr log_add_exp(Expr a, Expr b) { return maximum(a, b) + softplus(-abs(a - b)); }

/// What does not depend on how z is drawn: the prior, and the divergence from it.
OneStepTerms shared_terms(const OneStepTables& tables, Expr q_logits) {
  const Expr p = tables.p_logits(q_logits.graph());
  const Expr q = softmax(q_logits);
  OneStepTerms terms;
  terms.prior = cross_entropy(stop_gradient(q), p);
  terms.kl = over_columns(q * (log_softmax(q_logits) - log_softmax(p)));
  return terms;
}

}  // namespace

OneStepTables::OneStepTables(Index action_count, Index outcome_count, Index latent_count)
    : actions(action_count), outcomes(outcome_count), latents(latent_count) {
  const auto start = nn::Initializer::normal(kSpread);
  q = tables.add("q", {1, actions * outcomes, latents}, start);
  pi = tables.add("pi", {1, latents, actions}, start);
  v = tables.add("v", {1, latents, outcomes}, start);
  p = tables.add("p", {1, 1, latents}, start);
  f = critic.add("f", {1, latents, outcomes * actions}, start);
}

Expr OneStepTables::q_logits(Expr pair) const {
  return matmul(pair, nn::parameter(pair.graph(), "tables", q, {1, actions * outcomes, latents}));
}
Expr OneStepTables::pi_logits(nn::Graph& graph) const {
  return nn::parameter(graph, "tables", pi, {1, latents, actions});
}
Expr OneStepTables::v_logits(nn::Graph& graph) const {
  return nn::parameter(graph, "tables", v, {1, latents, outcomes});
}
Expr OneStepTables::p_logits(nn::Graph& graph) const {
  return nn::parameter(graph, "tables", p, {1, 1, latents});
}
Expr OneStepTables::energy(nn::Graph& graph) const {
  return nn::parameter(graph, "critic", f, {1, latents, outcomes * actions});
}

OneStepRows one_step_inputs(nn::Graph& graph, const OneStepTables& tables) {
  return {.pair = nn::input(graph, "pair", {1, kBatch, tables.actions * tables.outcomes}),
          .action = nn::input(graph, "action", {1, kBatch, tables.actions}),
          .outcome = nn::input(graph, "outcome", {1, kBatch, tables.outcomes}),
          .log_rho = nn::input(graph, "log_rho", {1, 1, tables.outcomes})};
}

OneStepTerms terms_of_latents(const OneStepTables& tables, const OneStepRows& rows, Expr z,
                              bool stop_value) {
  nn::Graph& graph = rows.pair.graph();
  OneStepTerms terms = shared_terms(tables, tables.q_logits(rows.pair));
  terms.policy = cross_entropy(rows.action, matmul(z, tables.pi_logits(graph)));
  terms.value = cross_entropy(rows.outcome,
                              matmul(stop_value ? stop_gradient(z) : z, tables.v_logits(graph)));
  const Expr all = matmul(z, tables.energy(graph));
  std::vector<Expr> energies;  // f(r̃, z, a) of the row's action, for each r̃
  for (Index r = 0; r < tables.outcomes; ++r) {
    energies.push_back(
        over_columns(rows.action * columns(all, r * tables.actions, tables.actions)));
  }
  const Expr f = concat_columns(energies);
  terms.bracket = over_columns(rows.outcome * f) - log_sum_exp(rows.log_rho + f);
  return terms;
}

OneStepTerms straight_through_terms(const OneStepTables& tables, const OneStepRows& rows,
                                    Expr uniform, bool stop_value) {
  const Expr logits = tables.q_logits(rows.pair);
  const Expr q = softmax(logits);
  const Expr above_zero = maximum(uniform, nn::constant(uniform.graph(), 0x1p-25));
  const Expr gumbel = -log(-log(above_zero));
  const Expr z = nn::Categorical{logits}.sample(gumbel) + (q - stop_gradient(q));
  return terms_of_latents(tables, rows, z, stop_value);
}

OneStepTerms enumerated_terms(const OneStepTables& tables, const OneStepRows& rows,
                              bool stop_value) {
  nn::Graph& graph = rows.pair.graph();
  const Expr logits = tables.q_logits(rows.pair);
  const Expr q = softmax(logits);
  // x picks a column of a table for each row: the result is [rows, latents]
  const auto of_latents = [](Expr x, Expr table) { return matmul(x, table, false, true); };

  OneStepTerms terms = shared_terms(tables, logits);
  terms.policy = -over_columns(q * of_latents(rows.action, log_softmax(tables.pi_logits(graph))));
  terms.value = -over_columns((stop_value ? stop_gradient(q) : q) *
                              of_latents(rows.outcome, log_softmax(tables.v_logits(graph))));
  Expr chosen, normaliser;  // f(r, z, a) and log Σ ρ exp f, for each z
  for (Index r = 0; r < tables.outcomes; ++r) {
    const Expr f =
        of_latents(rows.action, columns(tables.energy(graph), r * tables.actions, tables.actions));
    const Expr part = columns(rows.outcome, r, 1) * f;
    const Expr term = columns(rows.log_rho, r, 1) + f;
    chosen = r == 0 ? part : chosen + part;
    normaliser = r == 0 ? term : log_add_exp(normaliser, term);
  }
  terms.bracket = over_columns(q * (chosen - normaliser));
  return terms;
}

}  // namespace palaestra::agents::doc

#include <palaestra/agents/doc/tabular/one_step.h>

#include <doctest/doctest.h>

#include <cmath>

#include <palaestra/agents/doc/tabular/action_table.h>
#include <palaestra/agents/doc/tabular/choose_latent.h>
#include <palaestra/core/error.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::doc {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::Values;
using nn::testing::vector_gradient;

constexpr Purpose kPurpose = purpose("tests/doc/one_step");
constexpr Index kActions = 3, kOutcomes = 2, kLatents = 4, kRows = 5;

std::vector<double> normals(Index n, std::uint64_t entity) {
  std::vector<double> x(static_cast<std::size_t>(n));
  Stream(1, kPurpose, entity).fill_normal(std::span<double>(x));
  return x;
}

/// A batch that has every kind of row, random tables, and what each term may be made of.
struct Example {
  Example() : rows(one_step_inputs(graph, tables)) {
    for (Index i = 0; i < kRows; ++i) {
      const Index a = i % kActions, r = i % kOutcomes;
      for (Index k = 0; k < kActions * kOutcomes; ++k) {
        inputs["pair"].push_back(k == a * kOutcomes + r ? 1 : 0);
      }
      for (Index k = 0; k < kActions; ++k) inputs["action"].push_back(k == a ? 1 : 0);
      for (Index k = 0; k < kOutcomes; ++k) inputs["outcome"].push_back(k == r ? 1 : 0);
    }
    inputs["log_rho"] = {std::log(0.3), std::log(0.7)};
    vectors["tables"] = normals(tables.tables.size(), 0);
    vectors["critic"] = normals(tables.critic.size(), 1);
  }

  /// Only what a term reads may be bound.
  Values but(Values all, std::initializer_list<const char*> without) const {
    for (const char* name : without) all.erase(name);
    return all;
  }

  OneStepTables tables{kActions, kOutcomes, kLatents};
  Graph graph;
  OneStepRows rows;
  Values inputs, vectors;
};

enum Cell { kZero, kMoves };

/// One row of the routing table: a term, what it reads, and what it moves.
struct Row {
  const char* name;
  Expr term;
  Values inputs, vectors;
  Cell q, pi, v, p, f;
};

bool is_zero(std::span<const double> gradient, Index offset, Index size) {
  return std::ranges::all_of(
      gradient.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size)),
      [](double x) { return x == 0; });
}

/// The rows of 2.5's table, for either way to take the expectation over z.
std::vector<Row> routing_table(const Example& e, const OneStepTerms& stopped,
                               const OneStepTerms& whole) {
  const Values of_action = e.but(e.inputs, {"outcome", "log_rho"});
  const Values of_outcome = e.but(e.inputs, {"action", "log_rho"});
  const Values of_pair = e.but(e.inputs, {"action", "outcome", "log_rho"});
  const Values tables = e.but(e.vectors, {"critic"});
  return {
      {"policy", stopped.policy, of_action, tables, kMoves, kMoves, kZero, kZero, kZero},
      {"bracket", stopped.bracket, e.inputs, e.vectors, kMoves, kZero, kZero, kZero, kMoves},
      {"value", stopped.value, of_outcome, tables, kZero, kZero, kMoves, kZero, kZero},
      {"value that trains q", whole.value, of_outcome, tables, kMoves, kZero, kMoves, kZero, kZero},
      {"prior", stopped.prior, of_pair, tables, kZero, kZero, kZero, kMoves, kZero},
      {"kl", stopped.kl, of_pair, tables, kMoves, kZero, kZero, kMoves, kZero},
  };
}

void check_routing(const Example& e, const Row& row) {
  CAPTURE(row.name);
  const auto g = vector_gradient(e.graph, row.term, "tables", row.inputs, row.vectors, kRows);
  const auto& t = e.tables;
  CHECK(is_zero(g, t.q, kActions * kOutcomes * kLatents) == (row.q == kZero));
  CHECK(is_zero(g, t.pi, kLatents * kActions) == (row.pi == kZero));
  CHECK(is_zero(g, t.v, kLatents * kOutcomes) == (row.v == kZero));
  CHECK(is_zero(g, t.p, kLatents) == (row.p == kZero));
  if (row.f == kMoves) {
    const auto f = vector_gradient(e.graph, row.term, "critic", row.inputs, row.vectors, kRows);
    CHECK_FALSE(is_zero(f, 0, t.critic.size()));
  } else {
    CHECK(row.vectors.count("critic") == 0);  // the term does not even read it
  }
}

/// I(r;z|a) + E_a KL(Pr[r|a] || rho) of a bandit of two arms, in nats, with q(z|a,r) putting
/// `sharpness` on z = r: by counting, without our expressions.
struct Population {
  double p, sharpness;
  double law(int a, int r) const {
    const double pays = a == 1 ? 1 - p : p, taken = a == 1 ? p : 1 - p;
    return taken * (r == 1 ? pays : 1 - pays);
  }
  double rho(int r) const { return law(0, r) + law(1, r); }
  double bracket() const {
    double total = 0;
    for (int a = 0; a < 2; ++a) {
      for (int z = 0; z < 2; ++z) {
        double joint[2], sum = 0;
        for (int r = 0; r < 2; ++r) sum += joint[r] = law(a, r) * q(z, r);
        for (int r = 0; r < 2; ++r) total += joint[r] * std::log(joint[r] / sum / rho(r));
      }
    }
    return total;
  }
  double q(int z, int r) const { return z == r ? sharpness : 1 - sharpness; }
};

/// The bracket's expectation under the population, with the critic at its best for this q.
struct PopulationExample {
  explicit PopulationExample(const Population& population) : tables(2, 2, 2) {
    rows = one_step_inputs(graph, tables);
    terms = enumerated_terms(tables, rows, true);
    vectors["tables"].resize(static_cast<std::size_t>(tables.tables.size()));
    vectors["critic"].resize(static_cast<std::size_t>(tables.critic.size()));
    for (int a = 0; a < 2; ++a) {
      for (int r = 0; r < 2; ++r) {
        for (int k = 0; k < 4; ++k) inputs["pair"].push_back(k == a * 2 + r ? 1 : 0);
        for (int k = 0; k < 2; ++k) inputs["action"].push_back(k == a ? 1 : 0);
        for (int k = 0; k < 2; ++k) inputs["outcome"].push_back(k == r ? 1 : 0);
        weight.push_back(population.law(a, r));
        for (int z = 0; z < 2; ++z) {
          vectors["tables"][static_cast<std::size_t>(tables.q + (Index{2} * a + r) * 2 + z)] =
              std::log(population.q(z, r));
          vectors["critic"][static_cast<std::size_t>(Index{4} * z + Index{2} * r + a)] =
              std::log(posterior(population, r, z, a) / population.rho(r));
        }
      }
    }
    inputs["log_rho"] = {std::log(population.rho(0)), std::log(population.rho(1))};
    inputs["weight"] = weight;
    objective = sum(nn::input(graph, "weight", {1, nn::kBatch, 1}) * terms.bracket);
  }
  static double posterior(const Population& population, int r, int z, int a) {
    const double here = population.law(a, r) * population.q(z, r);
    return here / (here + population.law(a, 1 - r) * population.q(z, 1 - r));
  }
  double value() const { return evaluate(graph, objective, inputs, vectors, 4).at(0); }

  OneStepTables tables;
  Graph graph;
  OneStepRows rows;
  OneStepTerms terms;
  Values inputs, vectors;
  std::vector<double> weight;
  Expr objective;
};

}  // namespace

TEST_CASE("each term moves what the routing table says, every other gradient is an exact zero") {
  Example e;
  SUBCASE("exact sum over z") {
    const auto stopped = enumerated_terms(e.tables, e.rows, true);
    const auto whole = enumerated_terms(e.tables, e.rows, false);
    for (const Row& row : routing_table(e, stopped, whole)) check_routing(e, row);
  }
  SUBCASE("one draw of z") {
    const Expr uniform = nn::input(e.graph, "uniform", {1, nn::kBatch, kLatents});
    const auto stopped = straight_through_terms(e.tables, e.rows, uniform, true);
    const auto whole = straight_through_terms(e.tables, e.rows, uniform, false);
    std::vector<double> draws(kRows * kLatents);
    Stream(3, kPurpose).fill_uniform(std::span<double>(draws));
    for (Row row : routing_table(e, stopped, whole)) {
      if (std::string(row.name) != "prior" && std::string(row.name) != "kl") {
        row.inputs["uniform"] = draws;
      }
      check_routing(e, row);
    }
  }
}

TEST_CASE("gradients of the exact sum are those of finite differences") {
  Example e;
  const auto whole = enumerated_terms(e.tables, e.rows, false);
  const auto stopped = enumerated_terms(e.tables, e.rows, true);
  for (const Row& row : routing_table(e, stopped, whole)) {
    CAPTURE(row.name);
    const bool is_stopped = row.q == kZero;  // a stop is no derivative: see the next case
    if (!is_stopped) {
      CHECK(gradient_error(e.graph, row.term, "tables", row.inputs, row.vectors, kRows) < 1e-7);
    }
    if (row.f == kMoves) {
      CHECK(gradient_error(e.graph, row.term, "critic", row.inputs, row.vectors, kRows) < 1e-7);
    }
  }
}

TEST_CASE("a stop changes the encoder's gradient alone") {
  Example e;
  const auto whole = enumerated_terms(e.tables, e.rows, false);
  const auto stopped = enumerated_terms(e.tables, e.rows, true);
  const Values inputs = e.but(e.inputs, {"action", "log_rho"});
  const Values vectors = e.but(e.vectors, {"critic"});
  CHECK(evaluate(e.graph, sum(whole.value), inputs, vectors, kRows) ==
        evaluate(e.graph, sum(stopped.value), inputs, vectors, kRows));
  const auto a = vector_gradient(e.graph, whole.value, "tables", inputs, vectors, kRows);
  const auto b = vector_gradient(e.graph, stopped.value, "tables", inputs, vectors, kRows);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool of_v = static_cast<Index>(i) >= e.tables.v &&
                      static_cast<Index>(i) < e.tables.v + kLatents * kOutcomes;
    if (of_v) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-12));
  }
}

TEST_CASE("a draw's gradient is that of the loss at the drawn one-hot, through q") {
  Example e;
  const Expr uniform = nn::input(e.graph, "uniform", {1, nn::kBatch, kLatents});
  const auto drawn = straight_through_terms(e.tables, e.rows, uniform, false);
  std::vector<double> draws(kRows * kLatents);
  Stream(3, kPurpose).fill_uniform(std::span<double>(draws));
  Values with_draws = e.inputs;
  with_draws["uniform"] = draws;

  // the same one-hot rows by hand: z = constant + q, where the constant is one-hot - q at this
  // point
  const Values tables = e.but(e.vectors, {"critic"});
  const auto logits = evaluate(e.graph, e.tables.q_logits(e.rows.pair),
                               {{"pair", e.inputs["pair"]}}, tables, kRows);
  const auto q = evaluate(e.graph, softmax(e.tables.q_logits(e.rows.pair)),
                          {{"pair", e.inputs["pair"]}}, tables, kRows);
  std::vector<double> offset;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::size_t best = 0;
    const auto noisy = [&](std::size_t z) {
      return logits[i * kLatents + z] - std::log(-std::log(draws[i * kLatents + z]));
    };
    for (std::size_t z = 1; z < kLatents; ++z) best = noisy(z) > noisy(best) ? z : best;
    for (std::size_t z = 0; z < kLatents; ++z) {
      offset.push_back((z == best ? 1 : 0) - q[i * kLatents + z]);
    }
  }
  const Expr z = nn::input(e.graph, "offset", {1, nn::kBatch, kLatents}) +
                 softmax(e.tables.q_logits(e.rows.pair));
  const auto by_hand = terms_of_latents(e.tables, e.rows, z, false);
  Values with_offset = e.inputs;
  with_offset["offset"] = offset;

  CHECK(evaluate(e.graph, sum(drawn.bracket), with_draws, e.vectors, kRows).at(0) ==
        doctest::Approx(
            evaluate(e.graph, sum(by_hand.bracket), with_offset, e.vectors, kRows).at(0)));
  for (const char* vector : {"tables", "critic"}) {
    CHECK(gradient_error(e.graph, by_hand.bracket, vector, with_offset, e.vectors, kRows) < 1e-7);
    const auto a = vector_gradient(e.graph, drawn.bracket, vector, with_draws, e.vectors, kRows);
    const auto b = vector_gradient(e.graph, by_hand.bracket, vector, with_offset, e.vectors, kRows);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-12));
  }
}

TEST_CASE("the best critic's bracket is information plus divergence: 0.4714 nats where z is r") {
  // an encoder that copies luck; slightly softened so that logarithms are finite
  CHECK(PopulationExample({0.1, 1 - 1e-9}).value() ==
        doctest::Approx(0.3251 + 0.1463).epsilon(1e-4));
  for (const double sharpness : {0.6, 0.9, 0.99}) {
    const Population population{0.1, sharpness};
    CHECK(PopulationExample(population).value() ==
          doctest::Approx(population.bracket()).epsilon(1e-10));
  }
}

TEST_CASE("the paper's sign makes the encoder forget luck, the published one makes it learn luck") {
  const Population population{0.1, 0.9};
  PopulationExample e(population);
  const auto slope = vector_gradient(e.graph, e.objective, "tables", e.inputs, e.vectors, 4);
  const auto information_after = [&](double sign) {
    // one small step of q, then the best critic for the new q, by counting
    double joint[2][2][2];  // a, r, z
    for (int a = 0; a < 2; ++a) {
      for (int r = 0; r < 2; ++r) {
        double logit[2], total = 0;
        for (int z = 0; z < 2; ++z) {
          const auto at = static_cast<std::size_t>(e.tables.q + (Index{2} * a + r) * 2 + z);
          logit[z] = std::exp(e.vectors["tables"][at] + sign * 0.1 * slope[at]);
          total += logit[z];
        }
        for (int z = 0; z < 2; ++z) joint[a][r][z] = population.law(a, r) * logit[z] / total;
      }
    }
    double bracket = 0;
    for (const auto& of_action : joint) {
      for (int z = 0; z < 2; ++z) {
        const double sum = of_action[0][z] + of_action[1][z];
        for (int r = 0; r < 2; ++r) {
          bracket += of_action[r][z] * std::log(of_action[r][z] / sum / population.rho(r));
        }
      }
    }
    return bracket;
  };
  CHECK(information_after(-1) < population.bracket() - 1e-4);  // q descends the bracket
  CHECK(information_after(+1) > population.bracket() + 1e-4);  // q descends the critic's loss
}

TEST_CASE("at the best prior, KL(q || p) over the data is the information of z in them") {
  // p = the mean of q; the average divergence is then I(z; pair)
  Example e;
  const auto terms = enumerated_terms(e.tables, e.rows, true);
  const Values tables = e.but(e.vectors, {"critic"});
  const Values pair = {{"pair", e.inputs["pair"]}};
  const auto q = evaluate(e.graph, softmax(e.tables.q_logits(e.rows.pair)), pair, tables, kRows);
  Values fitted = tables;
  double information = 0;
  for (std::size_t z = 0; z < kLatents; ++z) {
    double mean = 0;
    for (std::size_t i = 0; i < kRows; ++i) mean += q[i * kLatents + z] / kRows;
    fitted["tables"][static_cast<std::size_t>(e.tables.p) + z] = std::log(mean);
    for (std::size_t i = 0; i < kRows; ++i) {
      information += q[i * kLatents + z] / kRows * std::log(q[i * kLatents + z] / mean);
    }
  }
  CHECK(evaluate(e.graph, mean(terms.kl), pair, fitted, kRows).at(0) ==
        doctest::Approx(information).epsilon(1e-12));
  // and no other prior is better: the gradient of the prior's own term is zero there
  const auto g = vector_gradient(e.graph, mean(terms.prior), "tables", pair, fitted, kRows);
  for (Index z = 0; z < kLatents; ++z) {
    CHECK(std::abs(g[static_cast<std::size_t>(e.tables.p + z)]) < 1e-12);
  }
}

TEST_CASE("the best of the candidates is chosen, among latents that the prior knows") {
  Stream random(5, kPurpose);
  const std::vector<double> prior = {0.5, 0.3, 0.15, 0.05};
  CHECK(choose_latent(prior, std::vector<double>{0, 1, 2, 3}, 1000, 0, random) == 3);
  CHECK(choose_latent(prior, std::vector<double>{0, 1, 2, 3}, 1000, 0.1, random) == 2);
  // one draw is the prior: chi-square by hand, 3 degrees of freedom
  std::vector<double> count(4, 0);
  constexpr int kDraws = 40'000;
  for (int i = 0; i < kDraws; ++i) {
    count[static_cast<std::size_t>(
        choose_latent(prior, std::vector<double>{9, 9, 9, 9}, 1, 0, random))] += 1;
  }
  double chi = 0;
  for (std::size_t z = 0; z < 4; ++z) {
    chi += std::pow(count[z] - kDraws * prior[z], 2) / (kDraws * prior[z]);
  }
  CHECK(chi < 16.3);  // p = 0.001
  CHECK_THROWS_AS(choose_latent(prior, std::vector<double>{0, 1, NAN, 3}, 10, 0, random),
                  UserError);
  CHECK_THROWS_AS(choose_latent(prior, std::vector<double>{0, 1, 2, 3}, 0, 0, random), UserError);
  CHECK_THROWS_AS(choose_latent(prior, std::vector<double>{0, 1}, 10, 0, random), UserError);
  CHECK_THROWS_AS(choose_latent(prior, std::vector<double>{0, 1, 2, 3}, 10, 0.9, random),
                  UserError);
}

TEST_CASE("a batch that does not fit is refused and changes nothing") {
  const std::vector<double> rho = {0.5, 0.5};
  OneStepDoc agent(2, rho, {}, 1);
  const auto before = agent.policy(0);
  using Indices = std::vector<Index>;
  CHECK_THROWS_AS(agent.update(Indices{}, Indices{}), UserError);
  CHECK_THROWS_AS(agent.update(Indices{0}, Indices{0, 1}), UserError);
  CHECK_THROWS_AS(agent.update(Indices{2}, Indices{0}), UserError);
  CHECK_THROWS_AS(agent.update(Indices{0}, Indices{-1}), UserError);
  CHECK_THROWS_AS(agent.update(Indices(65, 0), Indices(65, 0)), UserError);
  CHECK(agent.updates() == 0);
  CHECK(agent.policy(0) == before);
  CHECK_THROWS_AS(OneStepDoc(2, std::vector<double>{1, 0}, {}, 1), UserError);
  OneStepConfig config;
  config.beta = -1;
  CHECK_THROWS_WITH_AS(OneStepDoc(2, rho, config, 1), doctest::Contains("beta"), UserError);
  config = {};
  config.latents = 0;
  CHECK_THROWS_WITH_AS(OneStepDoc(2, rho, config, 1), doctest::Contains("latents"), UserError);
  ActionTable table(2, 2, 4, 0.01, 1);
  CHECK_THROWS_AS(table.update(Indices{2}, Indices{0}), UserError);
  CHECK_THROWS_AS(table.update(Indices(5, 0), Indices(5, 0)), UserError);
  CHECK_THROWS_AS(ActionTable(0, 2, 4, 0.01, 1), UserError);
}

TEST_CASE("a table of actions comes to the frequencies of the data") {
  ActionTable table(2, 3, 10, 0.05, 7);
  const std::vector<Index> context = {0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
  const std::vector<Index> action = {0, 0, 0, 1, 2, 2, 1, 1, 1, 0};
  for (int i = 0; i < 2000; ++i) table.update(context, action);
  CHECK(table.policy(0)[0] == doctest::Approx(0.75).epsilon(0.01));
  CHECK(table.policy(0)[2] < 0.01);
  CHECK(table.policy(1)[1] == doctest::Approx(0.5).epsilon(0.01));
}

}  // namespace palaestra::agents::doc

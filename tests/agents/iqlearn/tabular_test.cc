// What the objective says where everything is exact: few states and actions, Q a table, and rows
// that are all of a process, weighted by how often they occur.

#include <palaestra/agents/iqlearn/losses.h>

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <vector>

#include <palaestra/core/random.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::iqlearn {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using nn::Expr;
using Numbers = nn::testing::Values;

constexpr Purpose kPurpose = purpose("tests/iqlearn/tabular");
constexpr Index kStates = 5, kActions = 3, kPairs = kStates * kActions;
constexpr double kDiscount = 0.9;

/// A process and two policies of it; all are random.
struct Process {
  explicit Process(std::uint64_t number, bool deterministic)
      : next(kPairs, kStates), start(kStates) {
    Stream random(1, kPurpose, number);
    next.setZero();
    for (Index pair = 0; pair < kPairs; ++pair) {
      if (deterministic) {
        next(pair, random.below(kStates)) = 1;
      } else {
        for (Index s = 0; s < kStates; ++s) next(pair, s) = random.uniform(0, 1);
        next.row(pair) /= next.row(pair).sum();
      }
    }
    for (Index s = 0; s < kStates; ++s) start(s) = random.uniform(0.5, 1);
    start /= start.sum();
    expert = random_policy(random);
    other = random_policy(random);
  }

  static VectorXd random_policy(Stream& random) {
    VectorXd policy(kPairs);
    for (Index i = 0; i < kPairs; ++i) policy(i) = random.uniform(0.2, 1);
    for (Index s = 0; s < kStates; ++s) {
      policy.segment(s * kActions, kActions) /= policy.segment(s * kActions, kActions).sum();
    }
    return policy;
  }

  /// ρ(s, a) = (1 - γ) Σ_t γ^t P(s_t = s, a_t = a), from its linear equation.
  VectorXd occupancy(const VectorXd& policy) const {
    MatrixXd moves = MatrixXd::Zero(kStates, kStates);  // from, to
    for (Index pair = 0; pair < kPairs; ++pair) {
      moves.row(pair / kActions) += policy(pair) * next.row(pair);
    }
    const VectorXd states = (MatrixXd::Identity(kStates, kStates) - kDiscount * moves.transpose())
                                .colPivHouseholderQr()
                                .solve((1 - kDiscount) * start);
    VectorXd rho(kPairs);
    for (Index pair = 0; pair < kPairs; ++pair) rho(pair) = states(pair / kActions) * policy(pair);
    return rho;
  }

  MatrixXd next;  // [pair, state]
  VectorXd start, expert, other;
};

VectorXd soft_policy(const VectorXd& q, double temperature) {
  VectorXd policy(kPairs);
  for (Index s = 0; s < kStates; ++s) {
    const auto of_state = q.segment(s * kActions, kActions);
    const VectorXd e = ((of_state.array() - of_state.maxCoeff()) / temperature).exp();
    policy.segment(s * kActions, kActions) = e / e.sum();
  }
  return policy;
}

VectorXd soft_value(const VectorXd& q, double temperature) {
  VectorXd v(kStates);
  for (Index s = 0; s < kStates; ++s) {
    const auto of_state = q.segment(s * kActions, kActions);
    const double top = of_state.maxCoeff();
    v(s) = top + temperature * std::log(((of_state.array() - top) / temperature).exp().sum());
  }
  return v;
}

/// The loss as losses.cc has it, of a table: a critic without hidden layers on one-hot states. Rows
/// are all (s, a, s') of two sides, each weighted by occupancy and probability.
class Table {
 public:
  Table(const Process& process, const IqLearnConfig& settings, double temperature,
        const VectorXd& expert, const VectorXd* own)
      : config_(settings), critic_(kStates, kActions, config_) {
    nn::Graph graph;
    const Rows rows = row_inputs(graph, kStates, 1);
    const Values values =
        values_of_choices(config_, critic_, rows, nn::constant(graph, temperature));
    const Objective terms = objective(config_, values, rows);
    add(process, expert, 1);
    if (own != nullptr) add(process, *own, 0);
    const auto count = static_cast<Index>(inputs_["weight"].size());
    program_.emplace(
        graph,
        nn::Outputs{.values = {{"loss", terms.loss}, {"value_term", terms.value_term}},
                    .gradients = {{"gradient", terms.loss, "critic", critic_.layout.size()}}},
        nn::ProgramOptions{.max_rows = {count}});
    rows_ = count;
    for (const auto& [name, x] : inputs_) program_->bind_input(program_->input(name), x);
    vector_.resize(static_cast<std::size_t>(critic_.layout.size()));
    program_->bind_vector(program_->vector("critic"), vector_);
  }

  /// Gradient at Q; `loss` and value_term are of the last call.
  VectorXd operator()(const VectorXd& q) {
    // weights [states, actions] come first, biases stay 0
    for (Index i = 0; i < kPairs; ++i) vector_[static_cast<std::size_t>(i)] = q(i);
    program_->run(rows_);
    loss = program_->value(program_->output("loss"))[0];
    value_term = program_->value(program_->output("value_term"))[0];
    const auto g = program_->value(program_->output("gradient"));
    return Eigen::Map<const VectorXd>(g.data(), kPairs);
  }

  /// Newton's method, the Hessian by differences of the gradient, steps halved until the loss
  /// falls.
  VectorXd minimise() {
    VectorXd q = VectorXd::Zero(kPairs);
    for (int round = 0; round < 200; ++round) {
      const VectorXd g = (*this)(q);
      const double here = loss;
      if (g.norm() < 1e-12) break;
      MatrixXd hessian(kPairs, kPairs);
      for (Index i = 0; i < kPairs; ++i) {
        VectorXd up = q, down = q;
        up(i) += 1e-5;
        down(i) -= 1e-5;
        const VectorXd high = (*this)(up);
        hessian.col(i) = (high - (*this)(down)) / 2e-5;
      }
      hessian = (0.5 * (hessian + hessian.transpose())).eval();
      const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(hessian);
      const VectorXd curvature = solver.eigenvalues().cwiseAbs().cwiseMax(1e-6);
      const VectorXd step =
          solver.eigenvectors() * (solver.eigenvectors().transpose() * g).cwiseQuotient(curvature);
      double share = 1;
      for (; share > 1e-9; share /= 2) {
        (*this)(q - share * step);
        if (loss <= here) break;
      }
      q -= share * step;
    }
    return q;
  }

  double loss = 0, value_term = 0;

 private:
  void add(const Process& process, const VectorXd& rho, double is_expert) {
    for (Index pair = 0; pair < kPairs; ++pair) {
      for (Index s = 0; s < kStates; ++s) {
        if (process.next(pair, s) == 0) continue;
        const auto one_hot = [](Index state, std::vector<double>& out) {
          for (Index i = 0; i < kStates; ++i) out.push_back(i == state ? 1 : 0);
        };
        one_hot(pair / kActions, inputs_["observation"]);
        one_hot(s, inputs_["next_observation"]);
        inputs_["action"].push_back(static_cast<double>(pair % kActions));
        inputs_["discount"].push_back(kDiscount);
        inputs_["weight"].push_back(rho(pair) * process.next(pair, s));
        inputs_["expert"].push_back(is_expert);
      }
    }
  }

  IqLearnConfig config_;
  ChoiceCritic critic_;
  std::optional<nn::Program<double>> program_;
  Numbers inputs_;
  std::vector<double> vector_;
  palaestra::Index rows_ = 0;
};

IqLearnConfig table_config(ValueTerm term, bool regularize) {
  IqLearnConfig config;
  config.hidden = {};
  config.value_term = term;
  config.regularize = regularize;
  config.target_network = false;
  config.discount = kDiscount;
  return config;
}

/// r = Q - γ E[V(s')].
VectorXd reward_of(const Process& process, const VectorXd& q, double temperature) {
  return q - kDiscount * (process.next * soft_value(q, temperature));
}

TEST_CASE("E[V(s) - discount V(s')] is (1 - discount) E[V(s0)] under any policy's occupancy") {
  for (const bool deterministic : {false, true}) {
    const Process process(3, deterministic);
    const VectorXd expert = process.occupancy(process.expert);
    const VectorXd own = process.occupancy(process.other);
    VectorXd q(kPairs);
    Stream random(2, kPurpose);
    for (Index i = 0; i < kPairs; ++i) q(i) = 3 * random.normal();
    const double temperature = 0.4;
    const double starts = (1 - kDiscount) * process.start.dot(soft_value(q, temperature));
    for (const ValueTerm term : {ValueTerm::kValue, ValueTerm::kValueExpert}) {
      Table table(process, table_config(term, true), temperature, expert, &own);
      table(q);
      CHECK(table.value_term == doctest::Approx(starts).epsilon(1e-12));
    }
    // as if episodes began where the expert goes: another number
    Table table(process, table_config(ValueTerm::kV0, true), temperature, expert, &own);
    table(q);
    CHECK(std::abs(table.value_term - starts) > 1e-3 * std::abs(starts));
  }
}

TEST_CASE("at the minimum r = 2 a (rho_e - rho_pi) / mu, pi being Q's policy, mu what is squared") {
  for (const std::uint64_t number : {0u, 1u, 2u}) {
    const Process process(number, /*deterministic=*/true);
    const VectorXd expert = process.occupancy(process.expert);
    const VectorXd own = process.occupancy(process.other);
    for (const bool regularize : {false, true}) {
      CAPTURE(number);
      CAPTURE(regularize);
      IqLearnConfig config = table_config(ValueTerm::kValue, regularize);
      config.chi2_scale = 0.7;
      const double temperature = 0.3;
      Table table(process, config, temperature, expert, &own);
      const VectorXd q = table.minimise();
      REQUIRE(table(q).norm() < 1e-9);
      const VectorXd rho = process.occupancy(soft_policy(q, temperature));
      const VectorXd mu = regularize ? VectorXd(0.5 * (expert + own)) : expert;
      const VectorXd wanted = 2 * 0.7 * (expert - rho).cwiseQuotient(mu);
      CHECK((reward_of(process, q, temperature) - wanted).cwiseAbs().maxCoeff() < 1e-6);
    }
  }
}

/// The same problem without Q: min over policies of a χ²(ρ, ρ_e) - T H, whose soft policy iteration
/// with small steps is mirror descent; the reward is that of the divergence at the present ρ.
VectorXd imitate_directly(const Process& process, const VectorXd& expert, double a,
                          double temperature) {
  VectorXd policy = VectorXd::Constant(kPairs, 1.0 / kActions);
  for (int round = 0; round < 4000; ++round) {
    const VectorXd rho = process.occupancy(policy);
    const VectorXd r = 2 * a * (expert - rho).cwiseQuotient(expert);
    // V^π = Σ_a π (r - T log π + γ P V^π)
    MatrixXd moves = MatrixXd::Zero(kStates, kStates);
    VectorXd gain = VectorXd::Zero(kStates);
    for (Index pair = 0; pair < kPairs; ++pair) {
      moves.row(pair / kActions) += policy(pair) * process.next.row(pair);
      gain(pair / kActions) += policy(pair) * (r(pair) - temperature * std::log(policy(pair)));
    }
    const VectorXd v = (MatrixXd::Identity(kStates, kStates) - kDiscount * moves)
                           .colPivHouseholderQr()
                           .solve(gain);
    const VectorXd q = r + kDiscount * (process.next * v);
    constexpr double kStep = 0.02;
    const VectorXd logits = (1 - kStep) * policy.array().log().matrix() + kStep / temperature * q;
    policy = soft_policy(logits, 1);
  }
  return policy;
}

TEST_CASE("Q's policy is the one that a direct solve over occupancies finds") {
  for (const std::uint64_t number : {0u, 1u}) {
    const Process process(number, /*deterministic=*/true);
    const VectorXd expert = process.occupancy(process.expert);
    const double temperature = 0.3;
    Table table(process, table_config(ValueTerm::kValueExpert, false), temperature, expert,
                nullptr);
    const VectorXd learnt = soft_policy(table.minimise(), temperature);
    const VectorXd direct = imitate_directly(process, expert, 0.5, temperature);
    CHECK((learnt - direct).cwiseAbs().maxCoeff() < 1e-5);
    // and not merely because neither moved: it is nearer to the expert than to the uniform policy
    const VectorXd uniform = VectorXd::Constant(kPairs, 1.0 / kActions);
    CHECK((learnt - uniform).norm() > 0.05);
  }
}

TEST_CASE("the lower the temperature the closer Q's policy is to the expert's") {
  const Process process(4, /*deterministic=*/true);
  const VectorXd expert = process.occupancy(process.expert);
  double last = 1;
  for (const double temperature : {1.0, 0.1, 0.01, 0.001}) {
    Table table(process, table_config(ValueTerm::kValueExpert, false), temperature, expert,
                nullptr);
    const VectorXd learnt = soft_policy(table.minimise(), temperature);
    const double gap = (learnt - process.expert).cwiseAbs().maxCoeff();
    CHECK(gap < 0.5 * last);
    last = gap;
  }
  CHECK(last < 1e-3);
}

}  // namespace
}  // namespace palaestra::agents::iqlearn

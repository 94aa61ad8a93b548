#include <doctest/doctest.h>

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/agents/valuedice/losses.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>

// The objective where everything is known: finite states and actions, nu and the policy tables, and
// expectations exact. Occupancies come from linear systems that no line of the library knows of.

namespace palaestra::agents::valuedice {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using nn::Expr;

constexpr Index kStates = 5, kActions = 3, kPairs = kStates * kActions;
constexpr double kDiscount = 0.9;

Stream random_stream(std::uint64_t entity) {
  return Stream(3, purpose("tests/valuedice/tabular"), entity);
}

/// Rows that are distributions: softmax of normal numbers.
MatrixXd distributions(Index rows, Index columns, std::uint64_t entity) {
  MatrixXd m(rows, columns);
  Stream random = random_stream(entity);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) m(i, j) = std::exp(1.5 * random.normal());
    m.row(i) /= m.row(i).sum();
  }
  return m;
}

MatrixXd policy_of(const std::vector<double>& logits) {
  MatrixXd pi(kStates, kActions);
  for (Index s = 0; s < kStates; ++s) {
    for (Index a = 0; a < kActions; ++a) {
      pi(s, a) = std::exp(logits[static_cast<std::size_t>(s * kActions + a)]);
    }
    pi.row(s) /= pi.row(s).sum();
  }
  return pi;
}

/// A decision process, an expert's policy and a third policy that was collected with.
struct Process {
  MatrixXd dynamics = distributions(kPairs, kStates, 1);  // P(s' | s,a)
  VectorXd start = distributions(1, kStates, 2).transpose();
  MatrixXd expert = distributions(kStates, kActions, 3);
  MatrixXd collector = distributions(kStates, kActions, 4);

  /// d(s,a) = (1-γ) Σ γ^t P(s_t = s, a_t = a): the solution of a linear system.
  VectorXd occupancy(const MatrixXd& pi) const {
    MatrixXd onward = MatrixXd::Zero(kStates, kStates);  // P(s' | s)
    for (Index s = 0; s < kStates; ++s) {
      for (Index a = 0; a < kActions; ++a) {
        onward.row(s) += pi(s, a) * dynamics.row(s * kActions + a);
      }
    }
    const MatrixXd system = MatrixXd::Identity(kStates, kStates) - kDiscount * onward.transpose();
    const VectorXd states = (1 - kDiscount) * system.fullPivLu().solve(start);
    VectorXd pairs(kPairs);
    for (Index s = 0; s < kStates; ++s) {
      for (Index a = 0; a < kActions; ++a) pairs[s * kActions + a] = states[s] * pi(s, a);
    }
    return pairs;
  }

  VectorXd mixed(const MatrixXd& pi, double share) const {
    return (1 - share) * occupancy(pi) + share * occupancy(collector);
  }
  /// log of the policy's mixture over the expert's, and its mean over the first: the divergence.
  VectorXd log_ratio(const MatrixXd& pi, double share) const {
    return (mixed(pi, share).array() / mixed(expert, share).array()).log();
  }
  double divergence(const MatrixXd& pi, double share) const {
    return mixed(pi, share).dot(log_ratio(pi, share));
  }
};

/// J(π, ν) with exact expectations, its minimum over ν and its gradient by the policy's logits.
class Problem {
 public:
  Problem(const Process& process, double share)
      : process_(process), share_(share), program_(compile(share)), logits(kPairs), nu(kPairs) {
    const auto flat = [](const MatrixXd& m) {
      std::vector<double> values;
      for (Index i = 0; i < m.rows(); ++i) {
        for (Index j = 0; j < m.cols(); ++j) values.push_back(m(i, j));
      }
      return values;
    };
    inputs_ = {flat(process.dynamics), flat(process.start), flat(process.occupancy(process.expert)),
               flat(process.occupancy(process.collector))};
    const char* names[] = {"dynamics", "start", "expert", "collected"};
    for (std::size_t i = 0; i < (share > 0 ? 4u : 3u); ++i) {
      program_.bind_input(program_.input(names[i]), inputs_[i]);
    }
    program_.bind_vector(program_.vector("actor"), logits);
    program_.bind_vector(program_.vector("nu"), nu);
  }

  double objective() {
    program_.run(1);
    return program_.value(program_.output("objective"))[0];
  }
  VectorXd output(const char* name) {
    program_.run(1);
    const auto values = program_.value(program_.output(name));
    return Eigen::Map<const VectorXd>(values.data(), std::ssize(values));
  }

  /// Newton's method with backtracking, until the gradient is gone.
  void minimize() {
    const MatrixXd pi = policy_of(logits);
    MatrixXd onward(kPairs, kPairs);
    for (Index i = 0; i < kPairs; ++i) {
      for (Index s = 0; s < kStates; ++s) {
        onward.block(i, s * kActions, 1, kActions) = process_.dynamics(i, s) * pi.row(s);
      }
    }
    const MatrixXd m = MatrixXd::Identity(kPairs, kPairs) - kDiscount * onward;  // x = m ν
    for (int step = 0; step < 100; ++step) {
      const VectorXd g = output("nu_gradient");
      if (g.cwiseAbs().maxCoeff() < 1e-13) return;
      const VectorXd shares = output("shares");
      VectorXd q = shares.head(kPairs);
      if (share_ > 0) q += shares.tail(kPairs);
      // J is blind to a constant: any curvature will do in that direction
      const MatrixXd curvature =
          m.transpose() * (MatrixXd(q.asDiagonal()) - q * q.transpose()) * m +
          MatrixXd::Ones(kPairs, kPairs);
      const VectorXd d = curvature.ldlt().solve(g);
      const std::vector<double> before = nu;
      const double value = objective();
      for (double length = 1; length > 1e-6; length /= 2) {
        for (std::size_t i = 0; i < nu.size(); ++i) {
          nu[i] = before[i] - length * d[static_cast<Index>(i)];
        }
        if (objective() <= value - 1e-4 * length * g.dot(d)) break;
      }
    }
  }

 private:
  static nn::Program<double> compile(double share) {
    nn::Graph graph;
    const Expr dynamics = nn::input(graph, "dynamics", {1, kPairs, kStates});
    const Expr pi = softmax(nn::parameter(graph, "actor", 0, {1, kStates, kActions}));
    const Expr each = nn::parameter(graph, "nu", 0, {1, kPairs, 1});
    const Expr value =
        sum(pi * nn::parameter(graph, "nu", 0, {1, kStates, kActions}), nn::Axis::kColumns);
    const Expr x = each - kDiscount * matmul(dynamics, value);
    const auto weight = [&](const char* name, Index rows) {
      return nn::input(graph, name, {1, rows, 1});
    };
    const Objective j = valuedice::objective(
        {x, weight("expert", kPairs)}, {value, weight("start", kStates)},
        share > 0 ? Weighted{x, weight("collected", kPairs)} : Weighted{}, share, kDiscount);
    return {graph,
            {.values = {{"objective", j.value}, {"shares", j.shares}, {"x", x}},
             .gradients = {{"nu_gradient", j.value, "nu", kPairs},
                           {"actor_gradient", j.value, "actor", kPairs}}},
            {.max_rows = {1}}};
  }

  const Process& process_;
  double share_;
  nn::Program<double> program_;
  std::vector<std::vector<double>> inputs_;

 public:
  std::vector<double> logits, nu;  // bound: they stay where they are
};

std::vector<double> some_logits() {
  std::vector<double> logits(kPairs);
  random_stream(9).fill_normal(std::span<double>(logits));
  return logits;
}

TEST_CASE(
    "the best nu gives the logarithm of the ratio of occupancies, and J minus the divergence") {
  const Process process;
  for (const double share : {0.0, 0.1, 0.5}) {
    CAPTURE(share);
    Problem problem(process, share);
    std::ranges::copy(some_logits(), problem.logits.begin());
    const MatrixXd pi = policy_of(problem.logits);
    problem.minimize();
    const double divergence = process.divergence(pi, share);
    CHECK(divergence > 0.02);
    CHECK(problem.objective() == doctest::Approx(-divergence).epsilon(1e-10));
    VectorXd rest = problem.output("x") - process.log_ratio(pi, share);
    rest.array() -= rest.mean();
    CHECK(rest.cwiseAbs().maxCoeff() < 1e-9);
    // and any other nu says more than that
    problem.nu[3] += 0.1;
    CHECK(problem.objective() > -divergence + 1e-6);
  }
}

TEST_CASE("at the best nu the actor's gradient is that of the divergence, by its policy") {
  const Process process;
  for (const double share : {0.0, 0.1}) {
    Problem problem(process, share);
    std::ranges::copy(some_logits(), problem.logits.begin());
    problem.minimize();
    const VectorXd up = problem.output("actor_gradient");
    constexpr double kStep = 1e-5;
    for (std::size_t i = 0; i < kPairs; ++i) {
      std::vector<double> more = problem.logits, less = problem.logits;
      more[i] += kStep, less[i] -= kStep;
      const double slope = (process.divergence(policy_of(more), share) -
                            process.divergence(policy_of(less), share)) /
                           (2 * kStep);
      CHECK(up[static_cast<Index>(i)] == doctest::Approx(-slope).epsilon(1e-6));
    }
  }
}

TEST_CASE("climbing J at the best nu arrives at the expert, also with collected rows mixed in") {
  const Process process;
  for (const double share : {0.0, 0.1}) {
    CAPTURE(share);
    Problem problem(process, share);
    std::ranges::copy(some_logits(), problem.logits.begin());
    const double first = process.divergence(policy_of(problem.logits), 0);
    for (int step = 0; step < 400; ++step) {
      problem.minimize();
      const VectorXd up = problem.output("actor_gradient");
      for (std::size_t i = 0; i < kPairs; ++i) {
        problem.logits[i] += 4 * up[static_cast<Index>(i)];
      }
    }
    const MatrixXd pi = policy_of(problem.logits);
    CHECK(first > 0.1);
    CHECK(process.divergence(pi, 0) < 1e-3);
    CHECK((pi - process.expert).cwiseAbs().maxCoeff() < 0.05);
  }
}

}  // namespace
}  // namespace palaestra::agents::valuedice

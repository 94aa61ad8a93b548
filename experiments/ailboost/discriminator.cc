#include <palaestra/experiments/ailboost/discriminator.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <Eigen/Dense>

#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/agents/discriminator/losses.h>
#include <palaestra/core/random.h>
#include <palaestra/core/text.h>
#include <palaestra/nn/program.h>

namespace palaestra::experiments::ailboost {
namespace {

using namespace agents::discriminator;

constexpr Purpose kNetworkPurpose = purpose("experiments/ailboost/network");
constexpr Purpose kRowsPurpose = purpose("experiments/ailboost/rows");
constexpr Purpose kTablePurpose = purpose("experiments/ailboost/table");

constexpr Index kState = 3, kAction = 2, kWidth = kState + kAction;

// ---- the closed form

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

/// z = w3' relu(W2' relu(W1' x + b1) + b2) + b3, or as much of a gradient.
struct TwoLayers {
  Matrix w1, w2;
  Vector b1, b2, w3;
  double b3 = 0;
};

TwoLayers unpack(const Network& network, const std::vector<double>& flat) {
  const auto matrix = [&](const nn::Dense& layer) {
    return Eigen::Map<const Matrix>(flat.data() + layer.weight, layer.inputs, layer.outputs);
  };
  const auto vector = [&](Index offset, Index size) {
    return Eigen::Map<const Vector>(flat.data() + offset, size);
  };
  const nn::Dense &one = network.hidden[0], &two = network.hidden[1], &last = network.output;
  return {.w1 = matrix(one),
          .w2 = matrix(two),
          .b1 = vector(one.bias, one.outputs),
          .b2 = vector(two.bias, two.outputs),
          .w3 = vector(last.weight, last.inputs),
          .b3 = flat[as_size(last.bias)]};
}

std::vector<double> pack(const Network& network, const TwoLayers& from) {
  std::vector<double> flat(as_size(network.layout.size()));
  const auto put = [&](Index offset, const auto& values) {
    std::copy_n(values.data(), values.size(), flat.begin() + offset);
  };
  const nn::Dense &one = network.hidden[0], &two = network.hidden[1], &last = network.output;
  put(one.weight, from.w1);
  put(two.weight, from.w2);
  put(one.bias, from.b1);
  put(two.bias, from.b2);
  put(last.weight, from.w3);
  flat[as_size(last.bias)] = from.b3;
  return flat;
}

/// How near a point is to where some unit's ReLU has its kink.
double distance_from_kinks(const TwoLayers& net, const Vector& x) {
  const Vector first = net.w1.transpose() * x + net.b1;
  const Vector second = net.w2.transpose() * first.cwiseMax(0) + net.b2;
  return std::min(first.cwiseAbs().minCoeff(), second.cwiseAbs().minCoeff());
}

/// Adds the gradient of (|∂f/∂x| - 1)² / rows at one point, where f is z or tanh z.
void add_gradient(const TwoLayers& net, const Vector& x, bool bounded, double rows, TwoLayers& to) {
  const Vector a1 = (net.w1.transpose() * x + net.b1).cwiseMax(0);
  const Vector a2 = (net.w2.transpose() * a1 + net.b2).cwiseMax(0);
  const Vector alive1 = (a1.array() > 0).cast<double>(), alive2 = (a2.array() > 0).cast<double>();
  const double f = std::tanh(net.w3.dot(a2) + net.b3);
  const double s = bounded ? 1 - f * f : 1;  // df/dz

  // g = dz/dx, back through the layers
  const Vector beta2 = alive2.cwiseProduct(net.w3);
  const Vector beta1 = alive1.cwiseProduct(net.w2 * beta2);
  const Vector g = net.w1 * beta1;
  const double length = g.norm(), k = 2 * (s * length - 1) / rows;

  if (bounded) {  // through s, as of an ordinary loss of z
    const double dz = k * length * -2 * f * s;
    to.b3 += dz;
    to.w3 += dz * a2;
    to.b2 += dz * beta2;
    to.w2 += dz * a1 * beta2.transpose();
    to.b1 += dz * beta1;
    to.w1 += dz * x * beta1.transpose();
  }
  if (length == 0) {  // all units are dead
    return;
  }
  // through g, along its direction; biases move no slope
  const Vector v = g / length;
  const Vector t1 = alive1.cwiseProduct(net.w1.transpose() * v);
  const Vector t2 = alive2.cwiseProduct(net.w2.transpose() * t1);
  to.w1 += k * s * v * beta1.transpose();
  to.w2 += k * s * t1 * beta2.transpose();
  to.w3 += k * s * t2;
}

// ---- the program

/// A network, and pairs of rows with shares whose points are away from kinks.
struct Example {
  std::vector<double> parameters, pairs, mix;
  TwoLayers gradient;  ///< by the closed form
};

Example make_example(const PenaltyStudy& study, const Network& network, std::uint64_t seed) {
  Example example;
  Stream weights(seed, kNetworkPurpose), rows(seed, kRowsPurpose);
  example.parameters.resize(as_size(network.layout.size()));
  nn::initialize<double>(network.layout, weights, example.parameters);
  // biases too, which begin at 0: units that are alike for all points would hide mistakes
  Stream noise(seed, kNetworkPurpose, 1);
  for (double& parameter : example.parameters) {
    parameter += 0.1 * noise.normal();
  }
  const TwoLayers net = unpack(network, example.parameters);
  example.gradient = unpack(network, std::vector<double>(example.parameters.size(), 0.0));
  for (Index row = 0; row < study.rows;) {
    Vector expert(kWidth), policy(kWidth);
    for (Vector* side : {&expert, &policy}) {
      std::ranges::generate(*side, [&] { return rows.normal(); });
    }
    const double share = rows.uniform();
    const Vector point = policy + share * (expert - policy);
    if (distance_from_kinks(net, point) < study.margin) {
      continue;
    }
    for (const Vector* side : {&expert, &policy}) {
      example.pairs.insert(example.pairs.end(), side->begin(), side->end());
    }
    example.mix.push_back(share);
    add_gradient(net, point, network.bounded, static_cast<double>(study.rows), example.gradient);
    ++row;
  }
  return example;
}

/// The penalty as the discriminator's update has it, compiled in T.
template <class T>
class CompiledPenalty {
 public:
  CompiledPenalty(const DiscriminatorConfig& config, const Network& network, const Example& example)
      : rows_(std::ssize(example.mix)),
        parameters_(example.parameters.begin(), example.parameters.end()),
        pairs_(example.pairs.begin(), example.pairs.end()),
        mix_(example.mix.begin(), example.mix.end()),
        program_(compile(config, network, rows_)) {
    program_.bind_input(program_.input("pairs"), pairs_);
    program_.bind_input(program_.input("mix"), mix_);
    program_.bind_vector(program_.vector("discriminator"), parameters_);
  }

  /// May be changed between runs.
  std::vector<T>& parameters() { return parameters_; }

  double value() {
    program_.run(rows_);
    return static_cast<double>(program_.value(program_.output("penalty"))[0]);
  }
  std::vector<double> gradient() {
    program_.run(rows_);
    const auto gradient = program_.value(program_.output("gradient"));
    return {gradient.begin(), gradient.end()};
  }

 private:
  static nn::Program<T> compile(const DiscriminatorConfig& config, const Network& network,
                                Index rows) {
    nn::Graph graph;
    const Pairs pairs = pair_inputs(graph, network);
    const nn::Expr points =
        penalty_points(config, network, pairs, draw_inputs(graph, network, config));
    const nn::Expr penalty =
        slope_penalty(slope(network, points), config.penalty_target, config.one_sided);
    return {graph,
            {.values = {{"penalty", penalty}},
             .gradients = {{"gradient", penalty, "discriminator", network.layout.size()}}},
            {.max_rows = {rows}}};
  }

  Index rows_;
  std::vector<T> parameters_, pairs_, mix_;
  nn::Program<T> program_;
};

/// Largest difference of a component, over the largest component of what is right.
double relative_error(const std::vector<double>& got, const std::vector<double>& right) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    difference = std::max(difference, std::abs(got[i] - right[i]));
    largest = std::max(largest, std::abs(right[i]));
  }
  return difference / largest;
}

// ---- the learner

/// Rows of a learner, state beside action.
struct Batch {
  std::vector<float> observation, action, weight;

  Batch(Index rows, Index state, Index action_size)
      : observation(as_size(rows * state), 0.0f),
        action(as_size(rows * action_size), 0.0f),
        weight(as_size(rows), 1.0f) {}

  replay::Minibatch view() const {
    replay::Minibatch batch;
    batch.rows = std::ssize(weight);
    batch.observation = observation;
    batch.action = action;
    batch.weight = weight;
    return batch;
  }
};

double metric(Learner& learner, std::string_view name) {
  for (const rollout::Metric& metric : learner.metrics()) {
    if (metric.name == name) {
      return metric.value;
    }
  }
  throw std::logic_error(concat("the discriminator does not log ", name));
}

std::vector<double> some_distribution(Index cells, double spread, Stream& random) {
  std::vector<double> mass(as_size(cells));
  double total = 0;
  for (double& m : mass) {
    m = std::exp(spread * random.uniform());
    total += m;
  }
  for (double& m : mass) {
    m /= total;
  }
  return mass;
}

/// Every cell once, as a state of its own, weighted so that a mean over rows is an expectation.
Batch all_cells(const std::vector<double>& mass) {
  const auto cells = std::ssize(mass);
  Batch batch(cells, cells, 1);
  for (std::size_t i = 0; i < mass.size(); ++i) {
    batch.observation[i * mass.size() + i] = 1;
    batch.weight[i] = static_cast<float>(static_cast<double>(cells) * mass[i]);
  }
  return batch;
}

}  // namespace

void run_penalty(const PenaltyStudy& study, std::uint64_t seed, Threads, Measurement& to) {
  DiscriminatorConfig config;
  config.hidden = {study.units, study.units};
  config.output = study.output;
  const Network network(kState, kAction, config);
  const Example example = make_example(study, network, seed);
  const std::vector<double> exact = pack(network, example.gradient);

  CompiledPenalty<double> wide(config, network, example);
  CompiledPenalty<float> narrow(config, network, example);
  to.numbers["double_error"] = relative_error(wide.gradient(), exact);
  to.numbers["float_error"] = relative_error(narrow.gradient(), exact);

  std::vector<double> differences;
  for (double& parameter : wide.parameters()) {
    const double kept = parameter;
    parameter = kept + study.step;
    const double above = wide.value();
    parameter = kept - study.step;
    const double below = wide.value();
    parameter = kept;
    differences.push_back((above - below) / (2 * study.step));
  }
  to.numbers["difference_error"] = relative_error(exact, differences);
}

void run_optima(const OptimaStudy& study, std::uint64_t seed, Threads threads, Measurement& to) {
  Stream random(seed, kTablePurpose);
  const std::vector<double> e = some_distribution(study.cells, study.spread, random);
  const std::vector<double> p = some_distribution(study.cells, study.spread, random);
  const Batch expert = all_cells(e), policy = all_cells(p);
  DiscriminatorConfig config;
  config.hidden = {};
  config.output = Output::kLinear;
  config.penalty = Penalty::kNone;
  config.learning_rate = study.learning_rate;
  config.batch_size = study.cells;
  Learner coarse(study.cells, 1, config, seed, threads);
  const Index last = study.updates / 4;
  for (Index update = last; update < study.updates; ++update) {
    coarse.update(policy.view(), expert.view());
  }
  config.learning_rate /= 10;
  Learner fine(study.cells, 1, config, seed, threads);
  std::ranges::copy(coarse.vector(), fine.vector().begin());
  for (Index update = 0; update < std::max<Index>(last, 1); ++update) {
    fine.update(policy.view(), expert.view());
  }
  std::vector<float> f(e.size());
  fine.reward(policy.view(), f);
  double error = 0, kl = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(f[i]) - std::log(e[i] / p[i])));
    kl += p[i] * std::log(p[i] / e[i]);
  }
  to.numbers["table_error"] = error;
  to.numbers["bound_error"] = std::abs(metric(fine, "kl_bound") - kl);

  const DiscriminatorConfig published;
  Learner flat(kState, kAction, published, seed, threads);
  std::ranges::fill(flat.vector(), 0.0f);
  std::vector<Batch> sides(2, Batch(published.batch_size, kState, kAction));
  for (Batch& side : sides) {
    for (std::vector<float>* column : {&side.observation, &side.action}) {
      for (float& x : *column) {
        x = static_cast<float>(random.uniform(-1, 1));
      }
    }
  }
  flat.update(sides[0].view(), sides[1].view());
  to.numbers["flat_divergence"] = metric(flat, "divergence");
  to.numbers["flat_bound"] = metric(flat, "kl_bound");
}

}  // namespace palaestra::experiments::ailboost

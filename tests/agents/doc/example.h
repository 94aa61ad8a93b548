#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <palaestra/agents/doc/losses.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::doc::testing {

inline constexpr Purpose kPurpose = purpose("tests/doc");
using Numbers = std::vector<double>;

inline Numbers normals(Index n, std::uint64_t entity) {
  Numbers x(static_cast<std::size_t>(n));
  Stream(1, kPurpose, entity).fill_normal(std::span<double>(x));
  return x;
}

/// Networks and a batch of windows in double, with padding: of four windows of three steps the
/// second has two rows, the last has one. tanh, so that finite differences meet no kinks.
struct Example {
  static constexpr Index kWindows = 4, kSteps = 3, kObservations = 2, kActions = 3, kLatent = 2;
  static constexpr Index kRows[kWindows] = {3, 2, 3, 1};

  DocConfig config;
  Networks nets;
  nn::Graph graph;
  Windows w;
  nn::DiagonalGaussian q;
  nn::Expr z;
  std::map<std::string, Numbers> inputs, vectors;

  static DocConfig small() {
    DocConfig config;
    config.hidden = {5};
    config.activation = nn::Activation::kTanh;
    config.latent = kLatent;
    config.embedding = 3;
    config.window = kSteps;
    config.batch_size = kWindows;
    return config;
  }

  /// Listed outcomes and counted actions, or neither.
  explicit Example(bool counted, const DocConfig& settings = small())
      : config(settings),
        nets({.windows = kWindows,
              .steps = kSteps,
              .observation = kObservations,
              .action = kActions,
              .counted_actions = counted,
              .outcomes = counted ? 3 : 0},
             config),
        w(window_inputs(graph, nets)),
        q(nets.encode(w.window)),
        z(q.sample(w.noise)) {
    // every parameter is in the graph, whichever term a test asks about
    (void)model_loss(nets, w, config);
    (void)bracket(nets, w, z);
    (void)free_bracket(nets, w);
    constexpr auto kAll = static_cast<std::size_t>(kWindows * kSteps);
    inputs["window"] = normals(kWindows * kSteps * nets.sizes.encoded(config.encode_reward), 0);
    inputs["observation"] = normals(kSteps * kWindows * kObservations, 1);
    inputs["noise"] = normals(kWindows * kLatent, 2);
    inputs["target"] = normals(kWindows, 3);
    inputs["action"] = normals(kSteps * kWindows * kActions, 4);
    inputs["weight"].assign(kAll, 0);
    inputs["absent"].assign(kAll, -1e9);
    inputs["log_count"] = {std::log(4.0), std::log(3.0), std::log(2.0)};
    inputs["window_weight"].assign(kWindows, 1.0 / kWindows);
    for (std::size_t j = 0; j < kSteps; ++j) {
      for (std::size_t i = 0; i < kWindows; ++i) {
        if (static_cast<Index>(j) >= kRows[i]) continue;
        inputs["weight"][j * kWindows + i] = 1.0 / kWindows / static_cast<double>(kRows[i]);
        inputs["absent"][j * kWindows + i] = 0;
      }
    }
    if (counted) {
      inputs.erase("absent");
      inputs.erase("log_count");
      for (std::size_t r = 0; r < kAll; ++r) {
        inputs["outcome"].push_back(static_cast<double>(r % 3));
        for (std::size_t a = 0; a < kActions; ++a) {
          inputs["action"][r * kActions + a] = a == (r + r / 4) % kActions ? 1 : 0;
        }
      }
      inputs["log_share"] = {std::log(0.2), std::log(0.5), std::log(0.3)};
    } else {
      inputs["outcome"] = normals(kSteps * kWindows * (1 + kObservations), 5);
    }
    vectors = {{"model", initial(nets.model, 0)},
               {"critic", initial(nets.critic.layout, 1)},
               {"free_critic", initial(nets.free_critic.layout, 2)}};
    // deviations that are neither 0 nor clamped
    if (!counted) vectors["model"][static_cast<std::size_t>(nets.policy.log_deviation)] = -0.3;
  }

  static Numbers initial(const nn::Layout& layout, std::uint64_t entity) {
    Numbers values(static_cast<std::size_t>(layout.size()));
    nn::initialize<double>(layout, Stream(2, kPurpose, entity), values);
    return values;
  }

  /// Runs a program on whatever it reads of the batch and the vectors.
  Numbers run(const nn::Outputs& outputs) const {
    nn::Program<double> program(graph, outputs, {.max_rows = {}});
    for (const auto& [name, values] : inputs) program.bind_input(program.input(name), values);
    for (const auto& [name, values] : vectors) program.bind_vector(program.vector(name), values);
    program.run(std::span<const Index>());
    const auto out = program.value(program.output("out"));
    return {out.begin(), out.end()};
  }

  Numbers values(nn::Expr x) const { return run({.values = {{"out", x}}, .gradients = {}}); }
  double value(nn::Expr x) const { return values(x).at(0); }

  Numbers gradient(nn::Expr loss, const std::string& vector) const {
    const auto size = static_cast<Index>(vectors.at(vector).size());
    return run({.values = {}, .gradients = {{"out", loss, vector, size}}});
  }

  /// The part of a vector of the model that belongs to "encoder.", "policy.", "value." or "prior.".
  Numbers part(const Numbers& whole, const std::string& prefix) const {
    Numbers result;
    for (const nn::Parameter& p : nets.model.parameters()) {
      if (p.name.starts_with(prefix)) {
        result.insert(result.end(), whole.begin() + p.offset, whole.begin() + p.offset + p.size());
      }
    }
    return result;
  }

  /// Central differences of a loss along every number of a vector.
  Numbers differences(nn::Expr loss, const std::string& vector) {
    constexpr double kStep = 1e-6;
    Numbers slopes;
    for (std::size_t i = 0; i < vectors[vector].size(); ++i) {
      double& x = vectors[vector][i];
      const double kept = x;
      x = kept + kStep;
      const double above = value(loss);
      x = kept - kStep;
      const double below = value(loss);
      x = kept;
      slopes.push_back((above - below) / (2 * kStep));
    }
    return slopes;
  }
};

inline bool all_zero(const Numbers& x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return v == 0; });
}

/// The largest difference, relative to 1 + |slope|.
inline double apart(const Numbers& gradient, const Numbers& slopes) {
  double worst = gradient.size() == slopes.size() ? 0 : 1e300;
  for (std::size_t i = 0; i < std::min(gradient.size(), slopes.size()); ++i) {
    worst = std::max(worst, std::abs(gradient[i] - slopes[i]) / (1 + std::abs(slopes[i])));
  }
  return worst;
}

}  // namespace palaestra::agents::doc::testing

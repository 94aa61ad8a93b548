#include <palaestra/agents/discriminator/spectral_norm.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Dense>

#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::discriminator {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr Purpose kPurpose = purpose("tests/discriminator/spectral");
constexpr Index kState = 5, kAction = 2, kRows = 4;

struct Example {
  Example()
      : network(kState, kAction, config()),
        parameters(size(network.layout)),
        singular(size(network.singular)) {
    // not orthogonal: singular values of all sizes
    Stream(1, kPurpose, 0).fill_normal(std::span(parameters));
    nn::initialize(network.singular, Stream(1, kPurpose, 1), std::span(singular));
  }
  static DiscriminatorConfig config() {
    DiscriminatorConfig config;
    config.hidden = {16, 12};
    config.spectral_norm = true;
    config.output = Output::kLinear;
    return config;
  }
  static std::size_t size(const nn::Layout& layout) {
    return static_cast<std::size_t>(layout.size());
  }
  Matrix weights(std::size_t layer) const {
    const nn::Dense& dense = network.hidden[layer];
    return Eigen::Map<const Matrix>(parameters.data() + dense.weight, dense.inputs, dense.outputs);
  }
  float largest(std::size_t layer) const {
    return Eigen::JacobiSVD<Matrix>(weights(layer)).singularValues()(0);
  }

  Network network;
  std::vector<float> parameters, singular;
};

std::vector<float> run(const Network& network, std::span<const float> parameters,
                       std::span<const float> singular, std::span<const float> x) {
  nn::Graph graph;
  const nn::Expr f = network(nn::input(graph, "x", {1, nn::kBatch, network.width()}));
  nn::Program<float> program(graph, {.values = {{"f", f}}, .gradients = {}}, {.max_rows = {kRows}});
  program.bind_vector(program.vector("discriminator"), parameters);
  if (!singular.empty()) program.bind_vector(program.vector("singular"), singular);
  program.bind_input(program.input("x"), x);
  program.run(kRows);
  const auto out = program.value(program.output("f"));
  return {out.begin(), out.end()};
}

TEST_CASE("the power method finds the largest singular value and its vectors") {
  Example e;
  iterate_power(e.network, e.parameters, e.singular, 300);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const auto& blocks = e.network.singular.parameters();
    const Eigen::Map<const Eigen::VectorXf> u(e.singular.data() + blocks[2 * layer].offset,
                                              blocks[2 * layer].size());
    const Eigen::Map<const Eigen::VectorXf> v(e.singular.data() + blocks[2 * layer + 1].offset,
                                              blocks[2 * layer + 1].size());
    CHECK(u.norm() == doctest::Approx(1).epsilon(1e-5));
    CHECK(v.norm() == doctest::Approx(1).epsilon(1e-5));
    CHECK(u.dot(e.weights(layer) * v) == doctest::Approx(e.largest(layer)).epsilon(1e-5));
  }
}

TEST_CASE("a few steps come close from below, and more steps closer") {
  Example e;
  double before = 0;
  for (int step = 0; step < 12; ++step) {
    iterate_power(e.network, e.parameters, e.singular, 1);
    const auto& blocks = e.network.singular.parameters();
    const Eigen::Map<const Eigen::VectorXf> u(e.singular.data() + blocks[0].offset,
                                              blocks[0].size());
    const Eigen::Map<const Eigen::VectorXf> v(e.singular.data() + blocks[1].offset,
                                              blocks[1].size());
    const double sigma = u.dot(e.weights(0) * v);
    CHECK(sigma >= before - 1e-5);
    CHECK(sigma <= e.largest(0) * (1 + 1e-5));
    before = sigma;
  }
  CHECK(before > 0.9 * static_cast<double>(e.largest(0)));
}

TEST_CASE(
    "the network is the plain one with its hidden weights over their largest singular value") {
  Example e;
  iterate_power(e.network, e.parameters, e.singular, 300);
  DiscriminatorConfig plain = Example::config();
  plain.spectral_norm = false;
  const Network other(kState, kAction, plain);
  std::vector<float> scaled = e.parameters;
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const nn::Dense& dense = e.network.hidden[layer];
    for (Index i = 0; i < dense.inputs * dense.outputs; ++i) {
      scaled[static_cast<std::size_t>(dense.weight + i)] /= e.largest(layer);
    }
  }
  std::vector<float> x(static_cast<std::size_t>(kRows * (kState + kAction)));
  Stream(2, kPurpose).fill_normal(std::span(x));
  const auto got = run(e.network, e.parameters, e.singular, x),
             expected = run(other, scaled, {}, x);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-4));
  }
}

TEST_CASE("weights of zero leave the left vector alone, so that later ones find a direction") {
  Example e;
  const std::vector<float> weights = e.parameters, singular = e.singular;
  std::ranges::fill(e.parameters, 0.0f);
  iterate_power(e.network, e.parameters, e.singular, 5);
  const auto& left = e.network.singular.parameters()[0];
  for (Index i = 0; i < left.size(); ++i) {
    CHECK(e.singular[static_cast<std::size_t>(i)] == singular[static_cast<std::size_t>(i)]);
  }
  std::vector<float> x(static_cast<std::size_t>(kRows * (kState + kAction)), 1.0f);
  for (const float f : run(e.network, e.parameters, e.singular, x)) CHECK(f == 0);
  e.parameters = weights;
  iterate_power(e.network, e.parameters, e.singular, 300);
  for (const float f : run(e.network, e.parameters, e.singular, x)) CHECK(std::isfinite(f));
}

}  // namespace
}  // namespace palaestra::agents::discriminator

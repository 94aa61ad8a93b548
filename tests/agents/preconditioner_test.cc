#include <palaestra/agents/preconditioner/preconditioner.h>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <palaestra/core/error.h>
#include <tests/agents/batches.h>
#include <tests/agents/saved_file.h>
#include <tests/allocations.h>

namespace palaestra::agents {
namespace {

using testing::OwnedBatch;
using testing::SavedFile;

constexpr Index kState = 3, kAction = 2, kRows = 12;

PreconditionerConfig small(double threshold = 0.1) {
  PreconditionerConfig config;
  config.hidden = {7, 5};
  config.learning_rate = 0.01;
  config.threshold = threshold;
  return config;
}

OwnedBatch batch(std::uint64_t number, Index rows = kRows) {
  return testing::random_batch(rows, kState, kAction, number, 0, 1);
}

/// f^ in double, by the parameters of a model.
std::vector<double> next_state(const DynamicsModel& model, std::span<const float> parameters,
                               std::vector<double> x) {
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const nn::Dense& dense = model.layers[layer];
    std::vector<double> y;
    for (Index out = 0; out < dense.outputs; ++out) {
      double sum = parameters[static_cast<std::size_t>(dense.bias + out)];
      for (Index in = 0; in < dense.inputs; ++in) {
        sum += x[static_cast<std::size_t>(in)] *
               parameters[static_cast<std::size_t>(dense.weight + in * dense.outputs + out)];
      }
      const bool last = layer + 1 == model.layers.size();
      y.push_back(last || sum > 0 ? sum : model.leak * sum);
    }
    x = y;
  }
  return x;
}

std::vector<double> pair_of(const OwnedBatch& rows, Index row) {
  std::vector<double> x;
  for (Index k = 0; k < kState; ++k) {
    x.push_back(rows.observation[static_cast<std::size_t>(row * kState + k)]);
  }
  for (Index k = 0; k < kAction; ++k) {
    x.push_back(rows.action[static_cast<std::size_t>(row * kAction + k)]);
  }
  return x;
}

/// p by central differences.
double excess(const DynamicsModel& model, std::span<const float> parameters, const OwnedBatch& rows,
              double threshold) {
  constexpr double kStep = 1e-5;
  double sum = 0;
  for (Index row = 0; row < kRows; ++row) {
    double squares = 0;
    for (std::size_t k = 0; k < kState + kAction; ++k) {
      auto up = pair_of(rows, row), down = up;
      up[k] += kStep;
      down[k] -= kStep;
      const auto high = next_state(model, parameters, up),
                 low = next_state(model, parameters, down);
      for (std::size_t j = 0; j < kState; ++j) {
        squares += std::pow((high[j] - low[j]) / (2 * kStep), 2);
      }
    }
    sum += std::pow(std::max(0.0, std::sqrt(squares) - threshold), 2) / kRows;
  }
  return sum;
}

TEST_CASE("the excess is that of central differences, and rewards are scaled by exp(-p / sigma)") {
  Preconditioner conditioner(kState, kAction, small(), kRows, 3);
  CHECK(conditioner.scale() == 1);
  std::vector<double> all;
  bool scaled = false;
  for (std::uint64_t i = 0; i < 6; ++i) {
    const OwnedBatch rows = batch(i);
    conditioner.update(rows.view());
    all.push_back(excess(conditioner.model(), conditioner.vector(), rows, 0.1));
    CHECK(conditioner.metrics()[1].value == doctest::Approx(all.back()).epsilon(1e-4));
    double mean = 0, variance = 0;
    for (const double p : all) mean += p / static_cast<double>(all.size());
    for (const double p : all) variance += std::pow(p - mean, 2) / static_cast<double>(all.size());
    const double wanted = i == 0 ? 1 : std::max(0.7, std::exp(-all.back() / std::sqrt(variance)));
    CHECK(conditioner.scale() == doctest::Approx(wanted).epsilon(1e-3));
    CHECK(conditioner.metrics()[2].value == conditioner.scale());
    scaled = scaled || conditioner.scale() < 1;
  }
  CHECK(scaled);
  Preconditioner gentle(kState, kAction, small(1e6), kRows, 3);
  for (std::uint64_t i = 0; i < 3; ++i) gentle.update(batch(i).view());
  CHECK(gentle.metrics()[1].value == 0);
  CHECK(gentle.scale() == 1);
}

TEST_CASE("between least and 1 the scale is what the formula says") {
  PreconditionerConfig config = small();
  config.least = 0;
  Preconditioner conditioner(kState, kAction, config, kRows, 3);
  for (std::uint64_t i = 0; i < 4; ++i) conditioner.update(batch(i).view());
  CHECK(conditioner.scale() > 0);
  CHECK(conditioner.scale() < 0.7);
}

TEST_CASE("the model learns dynamics, by steps of Adam on the mean squared error") {
  Preconditioner conditioner(kState, kAction, small(), kRows, 3);
  // s' = s + (a0, a1, a0 - a1) / 2
  const auto linear = [](std::uint64_t number) {
    OwnedBatch rows = batch(number);
    for (std::size_t i = 0; i < kRows; ++i) {
      const float a = rows.action[i * kAction], b = rows.action[i * kAction + 1];
      const float moves[] = {a / 2, b / 2, (a - b) / 2};
      for (std::size_t k = 0; k < kState; ++k) {
        rows.next_observation[i * kState + k] = rows.observation[i * kState + k] + moves[k];
      }
    }
    return rows;
  };
  const OwnedBatch first = linear(1000);
  const auto error = [&] {
    double sum = 0;
    for (Index row = 0; row < kRows; ++row) {
      const auto said = next_state(conditioner.model(), conditioner.vector(), pair_of(first, row));
      for (std::size_t k = 0; k < kState; ++k) {
        const auto at = static_cast<std::size_t>(row) * kState + k;
        sum += std::pow(said[k] - static_cast<double>(first.next_observation[at]), 2);
      }
    }
    return sum / (kRows * kState);
  };
  const double before = error();
  conditioner.update(first.view());
  CHECK(conditioner.metrics()[0].value == doctest::Approx(before).epsilon(1e-4));
  for (std::uint64_t i = 0; i < 1500; ++i) conditioner.update(linear(i).view());
  CHECK(error() < before / 20);
}

TEST_CASE("a saved preconditioner goes on to the same bits; threads do not matter") {
  const SavedFile file;
  Preconditioner whole(kState, kAction, small(), kRows, 3),
      first(kState, kAction, small(), kRows, 3),
      second(kState, kAction, small(), kRows, 9, Threads{3});
  for (std::uint64_t i = 0; i < 6; ++i) whole.update(batch(i).view());
  for (std::uint64_t i = 0; i < 3; ++i) first.update(batch(i).view());
  save(first, file, "x.");
  second.take(second.read(ArchiveReader(file.path), "x."));
  CHECK(second.scale() == first.scale());
  for (std::uint64_t i = 3; i < 6; ++i) second.update(batch(i).view());
  CHECK(std::ranges::equal(second.vector(), whole.vector()));
  CHECK(second.scale() == whole.scale());

  PreconditionerConfig wider = small();
  wider.hidden = {8, 5};
  const Preconditioner other(kState, kAction, wider, kRows, 3);
  CHECK_THROWS_AS(other.read(ArchiveReader(file.path), "x."), UserError);
}

TEST_CASE("nothing allocates after the first update; what does not fit changes nothing") {
  Preconditioner conditioner(kState, kAction, small(), kRows, 3);
  const OwnedBatch rows = batch(0);
  for (int i = 0; i < 3; ++i) conditioner.update(rows.view());
  const long before = palaestra::testing::allocations();
  for (int i = 0; i < 3; ++i) conditioner.update(rows.view());
  CHECK(palaestra::testing::allocations() == before);

  const std::vector<float> parameters(conditioner.vector().begin(), conditioner.vector().end());
  CHECK_THROWS_AS(conditioner.update(batch(0, kRows + 1).view()), UserError);
  OwnedBatch broken = batch(0);
  broken.next_observation[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(conditioner.update(broken.view()),
                       doctest::Contains("preconditioner diverged"), std::runtime_error);
  CHECK(std::ranges::equal(conditioner.vector(), parameters));
}

}  // namespace
}  // namespace palaestra::agents

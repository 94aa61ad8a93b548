#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// One step of the original: see tests/golden/make_classic_transcripts.py.
struct Recorded {
  std::vector<double> before, after;
  double action = 0, reward = 0;
  bool terminated = false;
};

std::vector<Recorded> read_transcript(const std::string& id, Index state_size) {
  std::ifstream file(std::string(PALAESTRA_TESTS) + "/golden/classic/" + id + ".csv");
  std::vector<Recorded> steps;
  for (std::string line; std::getline(file, line);) {
    std::vector<double> values;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) {
      values.push_back(std::strtod(cell.c_str(), nullptr));
    }
    const auto n = static_cast<std::size_t>(state_size);
    REQUIRE(values.size() == 2 * n + 3);
    Recorded step;
    step.before.assign(values.begin(), values.begin() + state_size);
    step.action = values[n];
    step.after.assign(values.begin() + state_size + 1, values.begin() + 2 * state_size + 1);
    step.reward = values[2 * n + 1];
    step.terminated = values[2 * n + 2] != 0;
    steps.push_back(step);
  }
  return steps;
}

void act(AnyBatch& batch, double action) {
  if (batch.spec().action.kind == Space::Kind::kDiscrete) {
    const auto discrete = static_cast<std::int64_t>(action);
    batch.step(std::span<const std::int64_t>(&discrete, 1));
  } else {
    const auto number = static_cast<float>(action);
    batch.step(std::span<const float>(&number, 1));
  }
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
  }
  return worst;
}

}  // namespace

TEST_CASE("classic environments follow Gymnasium's transcripts within 1e-9") {
  for (const char* id :
       {"Acrobot-v1", "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1"}) {
    CAPTURE(id);
    const auto batch = make(id, {.autoreset = AutoresetMode::kDisabled, .time_limit = 0});
    const auto transcript = read_transcript(id, batch->physics_size());
    REQUIRE(transcript.size() == 400);
    std::vector<double> state(static_cast<std::size_t>(batch->physics_size()));
    std::vector<double> last;
    int episodes = 0;
    for (const Recorded& step : transcript) {
      // free-running inside an episode: errors may build up, and must still stay below the bound
      if (step.before != last) {
        batch->reset();
        batch->set_physics(0, step.before);
        ++episodes;
      }
      act(*batch, step.action);
      batch->get_physics(0, state);
      REQUIRE(difference(state, step.after) < 1e-9);
      REQUIRE(std::abs(batch->columns().reward[0] - step.reward) < 1e-9);
      REQUIRE((batch->columns().terminated[0] != 0) == step.terminated);
      last = step.after;
      if (step.terminated) {
        last.clear();
      }
    }
    CHECK(episodes >= 2);
  }
}

TEST_CASE("reset distributions keep their bounds and fill them") {
  struct Law {
    const char* id;
    std::size_t element;
    double low, high;
  };
  for (const Law& law : {Law{"CartPole-v1", 0, -0.05, 0.05}, Law{"CartPole-v1", 3, -0.05, 0.05},
                         Law{"MountainCar-v0", 0, -0.6, -0.4}, Law{"Acrobot-v1", 2, -0.1, 0.1},
                         Law{"Pendulum-v1", 0, -3.14159265358979, 3.14159265358979},
                         Law{"Pendulum-v1", 1, -1.0, 1.0}}) {
    CAPTURE(law.id);
    constexpr Index kRows = 10'000;
    const auto batch = make(law.id, {.size = kRows});
    std::vector<double> state(static_cast<std::size_t>(batch->physics_size()));
    double counts[10] = {};
    for (Index row = 0; row < kRows; ++row) {
      batch->get_physics(row, state);
      const double u = (state[law.element] - law.low) / (law.high - law.low);
      REQUIRE(u >= -1e-6);
      REQUIRE(u <= 1 + 1e-6);
      counts[std::clamp(static_cast<int>(u * 10), 0, 9)] += 1;
    }
    double chi_square = 0;
    for (const double c : counts) {
      chi_square += (c - 1000) * (c - 1000) / 1000;
    }
    CHECK(chi_square < 27.9);  // 99.9 % point with 9 degrees of freedom
  }
}

TEST_CASE("gravity 0 leaves a resting pendulum alone, and twice the gravity pulls twice") {
  const auto heavy = make("Pendulum-v1", {}, {{"g", 20.0}});
  const auto light = make("Pendulum-v1", {}, {{"g", 0.0}});
  const std::vector<double> tilted = {0.5, 0.0};
  for (AnyBatch* batch : {heavy.get(), light.get()}) {
    batch->set_physics(0, tilted);
    act(*batch, 0.0);
  }
  std::vector<double> state(2);
  heavy->get_physics(0, state);
  CHECK(state[1] == doctest::Approx(1.5 * 20 * std::sin(0.5) * 0.05));
  light->get_physics(0, state);
  CHECK(state[1] == 0.0);
}

#include <palaestra/agents/valuedice/learner.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

// The file holds what PyTorch makes of the losses, written by themselves: see
// make_valuedice_reference.py.

namespace palaestra::agents::valuedice {
namespace {

constexpr Index kStates = 4, kActions = 2, kRows = 16, kUpdates = 5;

using Json = nlohmann::json;

TEST_CASE("five updates end where PyTorch's end, with the authors' form of the gradient") {
  std::ifstream stream(PALAESTRA_TEST_DATA "/valuedice.json");
  const Json file = Json::parse(stream);
  const auto read = [&](const std::string& block) {
    return file.at(block).get<std::vector<float>>();
  };
  const ValueDiceConfig config = {.hidden = {12, 10},
                                  .nu_learning_rate = 1e-3,
                                  .actor_learning_rate = 1e-3,
                                  .batch_size = kRows,
                                  .discount = 0.9,
                                  .orthogonal_weight = 1e-2};
  Learner learner(kStates, kActions, config, /*seed=*/0);
  const std::pair<std::string, std::span<float>> vectors[] = {{"nu", learner.nu_vector()},
                                                              {"actor", learner.actor_vector()}};
  for (const auto& [what, vector] : vectors) {
    const auto before = read("before." + what);
    REQUIRE(before.size() == vector.size());
    std::ranges::copy(before, vector.begin());
  }
  const auto results = read("results");
  for (Index update = 0; update < kUpdates; ++update) {
    const auto column = [&](const std::string& block, Index width) {
      const auto all = read(block);
      const auto begin = all.begin() + update * kRows * width;
      return std::vector<float>(begin, begin + kRows * width);
    };
    struct Columns {
      std::vector<float> observation, action, next_observation, discount, weight;
    };
    const auto columns = [&](const std::string& side) {
      return Columns{column(side + ".observation", kStates), column(side + ".action", kActions),
                     column(side + ".next_observation", kStates), column(side + ".discount", 1),
                     column(side + ".weight", 1)};
    };
    const Columns expert = columns("expert"), replay = columns("replay");
    const auto view = [&](const Columns& from) {
      replay::Minibatch batch;
      batch.rows = kRows;
      batch.observation = from.observation;
      batch.action = from.action;
      batch.discount = from.discount;
      batch.next_observation = from.next_observation;
      batch.weight = from.weight;
      return batch;
    };
    learner.update(view(replay), view(expert), column("noise", 3 * kActions), column("mix", 1));
    const auto value = [&](std::string_view name) {
      return std::ranges::find(learner.metrics(), name, &rollout::Metric::name)->value;
    };
    const auto first = static_cast<std::size_t>(4 * update);
    CHECK(value("objective") == doctest::Approx(results[first]).epsilon(2e-5));
    CHECK(value("penalty") == doctest::Approx(results[first + 1]).epsilon(2e-5));
    CHECK(value("orthogonal") == doctest::Approx(results[first + 2]).epsilon(2e-5));
    CHECK(value("effective_rows") == doctest::Approx(results[first + 3]).epsilon(2e-5));
  }
  for (const auto& block : vectors) {
    CAPTURE(block.first);
    const auto before = read("before." + block.first), after = read("after." + block.first);
    float worst = 0, moved = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      worst = std::max(worst, std::abs(after[i] - block.second[i]));
      moved = std::max(moved, std::abs(after[i] - before[i]));
    }
    // a fiftieth of one of Adam's steps, which rounding turns in where a gradient is tiny
    CHECK(worst < 0.02f * 1e-3f);
    CHECK(moved > 4e-3f);
  }
}

}  // namespace
}  // namespace palaestra::agents::valuedice

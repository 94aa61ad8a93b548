#include <palaestra/benchmarks/imitation.h>

#include <string>
#include <vector>

#include <palaestra/agents/iqlearn/agent.h>
#include <palaestra/agents/iqlearn/learner.h>
#include <palaestra/agents/valuedice/agent.h>
#include <palaestra/agents/valuedice/learner.h>
#include <palaestra/benchmarks/products.h>
#include <palaestra/benchmarks/replay_fixture.h>
#include <palaestra/core/random.h>

namespace palaestra::benchmarks {
namespace {

constexpr Index kRows = 256, kHidden = 256;
constexpr int kUpdates = 10;  // per burst

/// Made-up rows of one side, of so many observations; none is absorbing.
struct Side {
  Side(Index width, std::uint64_t number)
      : observation(static_cast<std::size_t>(kRows * width)), next_observation(observation.size()) {
    Stream random(1, purpose("bench/imitation"), number);
    for (std::vector<float>* column : {&observation, &action, &next_observation}) {
      random.fill_uniform(*column);
    }
    for (std::vector<float>* column : {&observation, &next_observation}) {
      for (Index row = 0; width > kObservation && row < kRows; ++row) {
        (*column)[static_cast<std::size_t>((row + 1) * width - 1)] = 0;
      }
    }
  }
  replay::Minibatch view() const {
    replay::Minibatch batch;
    batch.rows = kRows;
    batch.observation = observation;
    batch.action = action;
    batch.reward = reward;
    batch.discount = discount;
    batch.next_observation = next_observation;
    batch.weight = weight;
    return batch;
  }

  std::vector<float> observation, next_observation;
  std::vector<float> action = std::vector<float>(kRows * kAction),
                     reward = std::vector<float>(kRows),
                     discount = std::vector<float>(kRows, 0.99f),
                     weight = std::vector<float>(kRows, 1.0f);
};

template <class Agent, class Config>
Row row_of(const std::string& name, Index width, double rate) {
  Agent agent(Space::box(kObservation, -1, 1), Space::box(kAction, -1, 1), Config(), 1, Threads{1});
  const Side own(width, 0), expert(width, 1);
  const double seconds = interleave({{"update", kUpdates, [&] {
                                        for (int i = 0; i < kUpdates; ++i) {
                                          agent.imitate(own.view(), expert.view());
                                        }
                                      }}})[0];
  return {.name = "imitation/" + name + "/update",
          .value = seconds * 1e3,
          .unit = "ms",
          .higher_is_better = false,
          .n = kRows,
          .limit = static_cast<double>(agent.learner().flop()) * 1e-6 / rate,
          .limit_name = "its arithmetic at the fastest sgemm's rate"};
}

}  // namespace

std::vector<Row> bench_imitation() {
  const std::vector<Product> widest = {{1, 2 * kRows, kHidden, kHidden, false, false}};
  const double rate = widest[0].flop() * 1e-9 / time_products(widest).best[0];  // GFLOP/s
  return {row_of<agents::IqLearn, agents::IqLearnConfig>("iqlearn", kObservation, rate),
          row_of<agents::ValueDice, agents::ValueDiceConfig>("valuedice", kObservation + 1, rate)};
}

}  // namespace palaestra::benchmarks

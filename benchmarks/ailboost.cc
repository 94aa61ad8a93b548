#include <palaestra/benchmarks/ailboost.h>

#include <algorithm>
#include <cmath>

#include <palaestra/agents/ailboost/agent.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::benchmarks {
namespace {

using namespace palaestra::replay;

constexpr Index kObservation = 24, kAction = 6, kRows = 128;
constexpr Index kLearners = 1'000, kRowsPerLearner = 500;
constexpr int kUpdates = 500, kDiscriminatorSteps = 50;

const Space& observation_space() {
  static const Space space = Space::box(kObservation, -INFINITY, INFINITY);
  return space;
}
const Space& action_space() {
  static const Space space = Space::box(kAction, -1, 1);
  return space;
}

agents::AilBoostConfig config() {
  agents::AilBoostConfig config;
  config.max_learners = kLearners;
  config.sac.hidden = {64, 64};
  config.sac.batch_size = config.discriminator.batch_size = kRows;
  return config;
}

/// Episodes of made-up transitions.
struct Episode {
  Episode() {
    Stream random(1, purpose("bench/ailboost"));
    random.fill_uniform(observation);
    random.fill_uniform(action);
    std::copy(observation.begin() + kObservation, observation.end(), next.begin());
    truncated.back() = 1;
  }
  void append_to(WeightedReplayBuffer& buffer) const {
    const NamedValues columns[] = {
        {"observation", observation}, {"action", action}, {"reward", reward}};
    const NamedValues after[] = {{"observation", next}};
    buffer.extend(0, {.columns = columns,
                      .terminated = terminated,
                      .truncated = truncated,
                      .skip = {},
                      .next = after,
                      .last = after});
  }

  std::vector<float> observation = std::vector<float>(kRowsPerLearner * kObservation),
                     next = observation, action = std::vector<float>(kRowsPerLearner * kAction),
                     reward = std::vector<float>(kRowsPerLearner);
  std::vector<std::uint8_t> terminated = std::vector<std::uint8_t>(kRowsPerLearner),
                            truncated = terminated;
};

/// What a trainer of 1,000 learners has.
class Round {
 public:
  Round()
      : agent_(observation_space(), action_space(), config(), 1),
        buffer_(transition_columns(observation_space(), action_space()),
                {.capacity = (kLearners + 2) * kRowsPerLearner,
                 .groups = {GroupWeights::Kind::kGeometric, 0.05}}) {
    for (Index k = 0; k < kLearners; ++k) {
      sample();
      close();
    }
  }

  /// The rollouts of a learner, which is no overhead.
  void sample() {
    buffer_.begin_group();
    episode_.append_to(buffer_);
  }
  /// What is done at the end of a round, by the number of learners.
  void close() {
    if (buffer_.groups().size() == kLearners) {
      buffer_.evict_oldest(0, buffer_.groups().info(0).rows);
    }
    buffer_.end_group();
    const Groups& groups = buffer_.groups();
    agent_.freeze_learner(groups.info(groups.size() - 1).id);
    std::vector<Index> ids;
    std::vector<double> weights;
    for (Index k = 0; k < groups.size(); ++k) {
      ids.push_back(groups.info(k).id);
      weights.push_back(groups.probability(k));
    }
    agent_.keep_learners(ids, weights);
  }
  void draw_by_weight() {
    buffer_.draw(random_, {.rows = kRows, .selection = Selection::kGroup}, draw_);
  }
  void discriminate() {
    const Minibatch& own = buffer_.sample(random_, {.rows = kRows, .selection = Selection::kGroup});
    agent_.imitate(own, own);
  }
  void reinforce() { agent_.update(buffer_.sample(random_, {.rows = kRows})); }

 private:
  Episode episode_;
  agents::AilBoost agent_;
  WeightedReplayBuffer buffer_;
  Stream random_{2, purpose("bench/ailboost")};
  Draw draw_;
};

}  // namespace

std::vector<Row> bench_ailboost() {
  Round round;
  const auto times = interleave({{"reinforce", 100.0,
                                  [&] {
                                    for (int k = 0; k < 100; ++k) round.reinforce();
                                  }},
                                 {"discriminate", 50.0,
                                  [&] {
                                    for (int k = 0; k < 50; ++k) round.discriminate();
                                  }},
                                 {"draw", 1'000.0,
                                  [&] {
                                    for (int k = 0; k < 1'000; ++k) round.draw_by_weight();
                                  }},
                                 {"sample and close", 10.0,
                                  [&] {
                                    for (int k = 0; k < 10; ++k) {
                                      round.sample();
                                      round.close();
                                    }
                                  }}},
                                9);
  // the rows that are appended there are counted as overhead as well, to be on the safe side
  const double overhead = kDiscriminatorSteps * times[2] + times[3];
  const double learning = kUpdates * times[0] + kDiscriminatorSteps * times[1] + times[3];
  return {{.name = "ailboost/round",
           .value = learning * 1e3,
           .unit = "ms",
           .higher_is_better = false,
           .n = kLearners},
          {.name = "ailboost/round/overhead",
           .value = 100 * overhead / learning,
           .unit = "%",
           .higher_is_better = false,
           .n = kLearners}};
}

}  // namespace palaestra::benchmarks

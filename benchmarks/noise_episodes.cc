#include <palaestra/benchmarks/noise_episodes.h>

#include <vector>

#include <palaestra/agents/doc/task.h>
#include <palaestra/benchmarks/replay_fixture.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/returns.h>

namespace palaestra::benchmarks {

namespace {

constexpr Index kEpisodes = 20, kSteps = 100;

}  // namespace

replay::WeightedReplayBuffer noise_episodes() {
  const Space observation = Space::box(kObservation, -1, 1), action = Space::box(kAction, -1, 1);
  std::vector<replay::ColumnSpec> columns = replay::transition_columns(observation, action);
  columns.push_back({.name = agents::doc::kReturnColumn});
  replay::WeightedReplayBuffer buffer(columns, {.capacity = kEpisodes * kSteps});
  replay::ReturnColumn returns(buffer.storage(), agents::doc::kReturnColumn, {.discount = 1});
  Stream random(1, purpose("bench/noise_episodes"));
  const auto draw = [&](Index n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    random.fill_uniform(x);
    return x;
  };
  for (Index episode = 0; episode < kEpisodes; ++episode) {
    const auto states = draw(kSteps * kObservation), actions = draw(kSteps * kAction);
    const auto rewards = draw(kSteps), to_go = draw(kSteps), last = draw(kSteps * kObservation);
    std::vector<std::uint8_t> none(kSteps, 0), ends(kSteps, 0);
    ends.back() = 1;
    const replay::NamedValues values[] = {{"observation", states},
                                          {"action", actions},
                                          {"reward", rewards},
                                          {agents::doc::kReturnColumn, to_go}};
    const replay::NamedValues after[] = {{"observation", last}};
    buffer.extend(0, {.columns = values,
                      .terminated = none,
                      .truncated = ends,
                      .skip = {},
                      .next = {},
                      .last = after});
    returns.follow(buffer);
  }
  return buffer;
}

}  // namespace palaestra::benchmarks

#include <palaestra/experiments/doc/episodes.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <palaestra/agents/doc/task.h>
#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>
#include <palaestra/replay/returns.h>

namespace palaestra::experiments::doc {

namespace {

constexpr Purpose kBehaviourPurpose = purpose("experiments/doc/behaviour");
constexpr Index kAtOnce = 1000;  // episodes side by side; part of what a seed means

std::vector<float> observation_of(const envs::AnyBatch& batch, const void* column, Index row) {
  const Space& space = batch.spec().observation;
  std::vector<float> x(as_size(space.size()));
  replay::copy_as_float(space.dtype,
                        static_cast<const std::byte*>(column) + as_size(row) * space.bytes(),
                        x.data(), space.size());
  return x;
}

/// One episode in each row of the batch, from the state in which a reset left it.
void play_rows(envs::AnyBatch& batch, const Behaviour& behaviour, std::uint64_t seed,
               std::span<Trajectory> out, Index first) {
  const envs::BatchColumns& c = batch.columns();
  const Index rows = batch.size(), size = batch.spec().action.size();
  std::vector<Stream> streams;
  std::vector<bool> playing(as_size(rows), true);
  for (Index row = 0; row < rows; ++row) {
    streams.emplace_back(seed, kBehaviourPurpose, static_cast<std::uint64_t>(first + row));
    if (row < std::ssize(out)) {
      out[as_size(row)].observation = observation_of(batch, c.observation, row);
    } else {
      playing[as_size(row)] = false;
    }
  }
  std::vector<float> actions(as_size(rows * size), 0.0f);
  for (Index t = 0; std::find(playing.begin(), playing.end(), true) != playing.end(); ++t) {
    for (Index row = 0; row < rows; ++row) {
      if (!playing[as_size(row)]) continue;  // goes on with its last action, unrecorded
      behaviour(observation_of(batch, c.observation, row), t, streams[as_size(row)],
                std::span(actions).subspan(as_size(row * size), as_size(size)));
    }
    take(batch, actions);
    for (Index row = 0; row < rows; ++row) {
      if (!playing[as_size(row)]) continue;
      const bool terminated = c.terminated[row] != 0, ended = terminated || c.truncated[row] != 0;
      Trajectory& mine = out[as_size(row)];
      const auto after = observation_of(batch, ended ? c.final_observation : c.observation, row);
      mine.observation.insert(mine.observation.end(), after.begin(), after.end());
      const auto action = actions.begin() + row * size;
      mine.action.insert(mine.action.end(), action, action + size);
      mine.reward.push_back(static_cast<float>(c.reward[row]));
      mine.terminated = terminated;
      if (ended) playing[as_size(row)] = false;
    }
  }
}

std::vector<std::int64_t> whole(std::span<const float> x) { return {x.begin(), x.end()}; }

}  // namespace

void take(envs::AnyBatch& batch, const std::vector<float>& actions) {
  if (batch.spec().action.kind == Space::Kind::kDiscrete) {
    batch.step(std::vector<std::int64_t>(actions.begin(), actions.end()));
  } else {
    batch.step(actions);
  }
}

std::unique_ptr<envs::AnyBatch> make(const Place& place, const envs::BatchOptions& options) {
  return envs::make(place.id, options, place.keywords, place.wrappers);
}

double Trajectory::total() const { return std::accumulate(reward.begin(), reward.end(), 0.0); }

std::vector<Trajectory> play(const Place& place, Index episodes, const Behaviour& behaviour,
                             std::uint64_t seed, Threads threads) {
  const Index rows = std::min(episodes, kAtOnce);
  std::vector<Trajectory> all(as_size(episodes));
  if (episodes == 0) return all;
  const auto batch = make(place, {.size = rows,
                                  .autoreset = envs::AutoresetMode::kSameStep,
                                  .threads = threads,
                                  .seed = seed});
  for (Index first = 0; first < episodes; first += rows) {
    // rows that were done early have played further episodes: each piece has seeds of its own
    std::vector<std::uint64_t> seeds;
    seeds.reserve(as_size(rows));
    for (Index row = 0; row < rows; ++row) {
      seeds.push_back(
          Stream(seed, kBehaviourPurpose, static_cast<std::uint64_t>(first + row), 1).bits64());
    }
    batch->reset(seeds);
    play_rows(*batch, behaviour, seed,
              std::span(all).subspan(as_size(first), as_size(std::min(rows, episodes - first))),
              first);
  }
  return all;
}

std::vector<Trajectory> best(const std::vector<Trajectory>& all, double percent) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> totals;
  totals.reserve(all.size());
  for (const Trajectory& t : all) totals.push_back(t.total());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return totals[a] > totals[b]; });
  const auto count =
      static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(all.size())));
  std::vector<Trajectory> kept;
  for (std::size_t k = 0; k < std::min(std::max<std::size_t>(count, 1), all.size()); ++k) {
    if (k > 0 && totals[order[k]] == totals[order.back()]) break;
    kept.push_back(all[order[k]]);
  }
  return kept;
}

replay::WeightedReplayBuffer buffer_of(const std::vector<Trajectory>& trajectories,
                                       const Space& observation, const Space& action) {
  Index rows = 0;
  for (const Trajectory& t : trajectories) rows += t.length();
  require(rows >= 1, "doc: there are no trajectories to learn from");
  std::vector<replay::ColumnSpec> columns = replay::transition_columns(observation, action);
  columns.push_back({.name = agents::doc::kReturnColumn});
  replay::WeightedReplayBuffer buffer(columns, {.capacity = rows});
  // the time limit is the task's own end here: returns are sums of the rewards there were
  replay::ReturnColumn returns(buffer.storage(), agents::doc::kReturnColumn, {.discount = 1});
  for (const Trajectory& t : trajectories) {
    const auto steps = as_size(t.length()), width = as_size(observation.size());
    const auto before = std::span(t.observation).first(steps * width);
    const auto after = std::span(t.observation).subspan(width);
    const std::vector<std::int64_t> whole_before = whole(before), whole_after = whole(after);
    const std::vector<std::int64_t> whole_action = whole(t.action);
    const std::vector<float> unknown(steps);
    std::vector<std::uint8_t> terminated(steps), truncated(steps);
    terminated.back() = t.terminated;
    truncated.back() = !t.terminated;
    const auto values = [](const Space& space, const auto& numbers, const auto& choices) {
      return space.dtype == DType::kInt64 ? replay::Values(choices) : replay::Values(numbers);
    };
    const replay::NamedValues named[] = {{"observation", values(observation, before, whole_before)},
                                         {"action", values(action, t.action, whole_action)},
                                         {"reward", replay::Values(t.reward)},
                                         {agents::doc::kReturnColumn, replay::Values(unknown)}};
    const replay::NamedValues last[] = {{"observation", values(observation, after, whole_after)}};
    buffer.extend(0, {.columns = named,
                      .terminated = terminated,
                      .truncated = truncated,
                      .skip = {},
                      .next = {},
                      .last = last});
    returns.follow(buffer);
  }
  return buffer;
}

}  // namespace palaestra::experiments::doc

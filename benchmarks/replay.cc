#include <palaestra/benchmarks/replay.h>

#include <array>
#include <cstring>

#include <palaestra/benchmarks/replay_fixture.h>
#include <palaestra/benchmarks/replay_views.h>

namespace palaestra::benchmarks {
namespace {

using namespace palaestra::replay;

constexpr Index kRows = 256;

/// Ids of `kRows` rows, evenly drawn.
std::span<const Index> some_ids(WeightedReplayBuffer& buffer, Stream& random) {
  return buffer.sample(random, {.rows = kRows}).index;
}

/// Sets of priorities in (0, 1), made beforehand.
class Priorities {
 public:
  Priorities() {
    Stream random(4, purpose("bench/replay"));
    for (auto& set : sets_) {
      random.fill_uniform(set);
    }
  }
  std::span<const float> next() { return sets_[next_++ % sets_.size()]; }

 private:
  std::array<std::array<float, kRows>, 64> sets_;
  std::size_t next_ = 0;
};

/// The floor of a uniform minibatch: the same bytes of random rows, positions known beforehand, out
/// of one array of whole transitions to one array, with prefetch.
class BareGather {
 public:
  static constexpr std::size_t kBytes = (2 * kObservation + kAction + 1) * sizeof(float);

  BareGather() : rows_(kCapacity * kStride + kBytes), out_(kRows * kBytes), row_(1 << 20) {
    std::fill_n(rows_.data(), rows_.size(), std::byte{1});
    Stream random(2, purpose("bench/replay"));
    for (Index& row : row_) {
      row = random.below(kCapacity);
    }
  }
  void operator()() {
    constexpr std::size_t kAhead = 12;
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::byte* const ahead = at(i + kAhead);
      for (std::size_t line = 0; line < kBytes; line += 64) {
        __builtin_prefetch(ahead + line);
      }
      std::memcpy(&out_[i * kBytes], at(i), kBytes);
    }
    start_ = (start_ + kRows) % row_.size();
  }

 private:
  const std::byte* at(std::size_t i) const {
    return rows_.data() + static_cast<std::size_t>(row_[(start_ + i) % row_.size()]) * kStride;
  }
  static constexpr std::size_t kStride = 128;  // as ours: a record and its successor overlap

  Memory rows_;
  std::vector<std::byte> out_;
  std::vector<Index> row_;
  std::size_t start_ = 0;
};

Row memory_row(const Storage& storage) {
  const auto footprint = storage.footprint();
  const auto per_row = [&](std::size_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(storage.capacity());
  };
  return {.name = "replay/memory_per_row",
          .value = per_row(footprint.total()),
          .unit = "bytes",
          .higher_is_better = false,
          .limit = per_row(footprint.columns),
          .limit_name = "every column once"};
}

// One buffer at a time: several at once would push each other out of the caches.

std::vector<Row> bench_uniform() {
  Filled filled({.lanes = kLanes});
  BareGather bare;
  Stream random(3, purpose("bench/replay"));
  const SampleRequest one_step{.rows = kRows}, three_step{.rows = kRows, .n_step = 3};
  auto rows = measure({
      microseconds("replay/uniform/sample_256_of_1M", kRows, 200,
                   [&] { filled.buffer.sample(random, one_step); }),
      microseconds("bare gather of the same bytes", kRows, 200, [&] { bare(); }),
  });
  rows[0].limit = rows[1].value;
  rows[0].limit_name = rows[1].name;
  rows.pop_back();
  for (Row& row : measure({
           microseconds("replay/uniform/sample_256_of_1M_3_step", kRows, 200,
                        [&] { filled.buffer.sample(random, three_step); }),
           microseconds("replay/append", kLanes, 1000, [&] { filled.append(); }),
       })) {
    rows.push_back(std::move(row));
  }
  rows.push_back(memory_row(filled.buffer.storage()));
  return rows;
}

std::vector<Row> bench_prioritised() {
  Filled filled({.lanes = kLanes, .priorities = PriorityKind::kProportional});
  Priorities priorities;
  Stream random(3, purpose("bench/replay"));
  for (int k = 0; k < 4000; ++k) {  // so that priorities of all sizes are spread over the rows
    filled.buffer.update_priorities(some_ids(filled.buffer, random), priorities.next());
  }
  const SampleRequest request{.rows = kRows, .selection = Selection::kPriority};
  Draw draw;
  return measure({
      microseconds("replay/prioritised/draw_256_of_1M", kRows, 100,
                   [&] { filled.buffer.draw(random, request, draw); }),
      microseconds("replay/prioritised/sample_256_of_1M", kRows, 100,
                   [&] { filled.buffer.sample(random, request); }),
      microseconds("replay/prioritised/sample_and_update_256_of_1M", kRows, 100,
                   [&] {
                     const Minibatch& batch = filled.buffer.sample(random, request);
                     filled.buffer.update_priorities(batch.index, priorities.next());
                   }),
      microseconds("replay/prioritised/append", kLanes, 1000, [&] { filled.append(); }),
  });
}

/// A million rows in groups of equal size, geometric weights; the limit is the uniform draw.
std::vector<Row> bench_groups(Index groups) {
  Filled filled({.lanes = kLanes});
  filled.buffer.set_group_weights(
      GroupWeights{.kind = GroupWeights::Kind::kGeometric, .discount = 0.05});
  for (Index group = 0; group < groups; ++group) {
    filled.buffer.begin_group();
    for (Index row = 0; row < kCapacity / groups; row += kLanes) {
      filled.append();
    }
    filled.buffer.end_group();
  }
  Stream random(3, purpose("bench/replay"));
  const SampleRequest uniform{.rows = kRows},
      grouped{.rows = kRows, .selection = Selection::kGroup},
      by_episode{.rows = kRows, .selection = Selection::kGroupEpisode};
  auto rows = measure({
      microseconds(concat("replay/groups/sample_256_of_1M_in_", groups), kRows, 200,
                   [&] { filled.buffer.sample(random, grouped); }),
      microseconds(concat("replay/groups/sample_256_of_1M_in_", groups, "_by_episode"), kRows, 200,
                   [&] { filled.buffer.sample(random, by_episode); }),
      microseconds("a uniform draw", kRows, 200, [&] { filled.buffer.sample(random, uniform); }),
  });
  const Row limit = rows.back();
  rows.pop_back();
  for (Row& row : rows) {
    row.limit = limit.value;
    row.limit_name = limit.name;
  }
  return rows;
}

std::vector<Row> bench_append(Index lanes, int calls) {
  Filled filled({.lanes = lanes});
  return measure({microseconds("replay/append", lanes, calls, [&] { filled.append(); })});
}

/// Consecutive rows of one lane at once; the episode ends with them.
std::vector<Row> bench_extend() {
  WeightedReplayBuffer buffer(
      transition_columns(Space::box(kObservation, -1, 1), Space::box(kAction, -1, 1)),
      {.capacity = kCapacity});
  Stream random(5, purpose("bench/replay"));
  std::vector<float> observation((kRows + 1) * kObservation), action(kRows * kAction, 0.5f),
      reward(kRows, 1.0f);
  random.fill_uniform(observation);
  const std::vector<std::uint8_t> terminated(kRows, 0);
  std::vector<std::uint8_t> truncated(kRows, 0);
  truncated.back() = 1;
  const std::span<const float> all(observation);
  const NamedValues columns[] = {
      {"observation", all.first(kRows * kObservation)}, {"action", action}, {"reward", reward}};
  const NamedValues after[] = {{"observation", all.last(kRows * kObservation)}};
  const Steps steps{.columns = columns,
                    .terminated = terminated,
                    .truncated = truncated,
                    .skip = {},
                    .next = after,
                    .last = after};
  while (buffer.size() + kRows <= buffer.capacity()) {
    buffer.extend(0, steps);
  }
  return measure({microseconds("replay/extend_256", kRows, 200, [&] { buffer.extend(0, steps); })});
}

}  // namespace

std::vector<Row> bench_replay() {
  std::vector<Row> rows;
  for (auto&& part :
       {bench_uniform(), bench_groups(100), bench_groups(1000), bench_append(1, 4000),
        bench_append(64, 200), bench_extend(), bench_prioritised(), bench_replay_views()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

}  // namespace palaestra::benchmarks

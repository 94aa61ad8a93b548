#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/conformance.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/random_actions.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// A task whose state is an object that nobody can copy: a walk that draws in every step, so that
/// only the same actions on the same draws lead to the same place.
struct HeldWalk {
  struct State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    std::unique_ptr<double> place = std::make_unique<double>(0.0);
    Index steps = 0;
  };
  using Observation = double;
  using Action = float;
  Index end = 1'000'000;

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "HeldWalk-v0";
    s.family = "test";
    s.origin = "palaestra";
    s.summary = "walk on";
    s.oracle = "arithmetic";
    s.observation = Space::box(1, -1e9, 1e9, DType::kFloat64);
    s.action = Space::box(1, -1.0, 1.0);
    s.time_limit = 50;
    s.deterministic = false;
    s.info = {"steps"};
    return s;
  }
  void reset(State& s, Stream& random) const { *s.place = random.uniform(), s.steps = 0; }
  Transition step(State& s, std::span<const float> action, Stream& random) const {
    *s.place = 0.5 * *s.place + static_cast<double>(action[0]) + random.uniform();
    s.steps += 1;
    return {.reward = *s.place, .terminated = s.steps >= end};
  }
  void observe(const State& s, std::span<double> out) const { out[0] = *s.place; }
  void info(const State& s, std::span<double> out) const { out[0] = static_cast<double>(s.steps); }
};
static_assert(HeldEnvironment<HeldWalk> && !PlainEnvironment<HeldWalk> &&
              !ScratchEnvironment<HeldWalk>);

/// The place in a saved row of what the batch itself remembers, as 64-bit words.
enum Word : std::size_t { kReturn, kLength, kDone, kStarted, kSeed, kEntity, kEpisode, kStream };
constexpr std::size_t kActions = 10 * sizeof(std::uint64_t);  // bytes before the actions

using Bytes = std::vector<std::byte>;

template <class T>
Bytes with(Bytes bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
  return bytes;
}

Bytes state_of(const AnyBatch& batch, Index row) {
  Bytes bytes(static_cast<std::size_t>(batch.state_bytes()));
  batch.get_state(std::vector<Index>{row}, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("an environment whose state cannot be copied conforms") {
  CHECK(check_conformance(entry<HeldWalk>("HeldWalk-v0")) == std::vector<std::string>());
}

TEST_CASE("a held row is saved as the actions of its episode, and of that episode alone") {
  Batch<HeldWalk> batch({}, {.size = 2});
  CHECK(batch.state_bytes() == Index{kActions + 50 * sizeof(float)});
  for (int t = 0; t < 49; ++t) {
    batch.step(std::vector<float>{1.0f, 0.25f});
  }
  batch.reset({}, std::vector<std::uint8_t>{0, 1});
  batch.step(std::vector<float>{1.0f, 0.5f});
  std::vector<float> actions(50);
  std::memcpy(actions.data(), state_of(batch, 1).data() + kActions, 50 * sizeof(float));
  CHECK(actions[0] == 0.5f);
  CHECK(std::vector<float>(actions.begin() + 1, actions.end()) == std::vector<float>(49));
  // the row after its last step is saved too
  CHECK(batch.columns().truncated[0] == 1);
  Batch<HeldWalk> other({}, {.size = 1, .seed = 8});
  other.set_state(std::vector<Index>{0}, state_of(batch, 0));
  CHECK(static_cast<const double*>(other.columns().observation)[0] ==
        static_cast<const double*>(batch.columns().observation)[0]);
  CHECK(other.columns().info[0] == 50);
}

TEST_CASE("saved rows that no episode leads to are refused, and nothing changes") {
  Batch<HeldWalk> batch({}, {.size = 3, .seed = 4}), twin({}, {.size = 3, .seed = 4});
  RandomActions actions(batch.spec(), 3, 1);
  for (Index t = 0; t < 20; ++t) {
    actions.step(batch, t);
    actions.step(twin, t);
  }
  const Bytes good = state_of(batch, 1);
  const auto word = [](Word w) { return w * sizeof(std::uint64_t); };
  constexpr Index kMost = std::numeric_limits<Index>::max();
  const std::vector<Bytes> hostile = {
      with(good, word(kLength), Index{-1}),
      with(good, word(kLength), Index{51}),
      with(good, word(kLength), kMost),
      with(good, word(kLength), std::numeric_limits<Index>::min()),
      with(good, word(kLength), Index{19}),
      with(good, word(kReturn), 1.5),
      with(good, word(kReturn), std::numeric_limits<double>::quiet_NaN()),
      with(good, word(kDone), Index{1}),
      with(good, word(kStarted), Index{0}),
      with(good, word(kSeed), std::uint64_t{99}),
      with(good, word(kEpisode), std::uint64_t{1}),
      with(good, word(kStream), std::uint64_t{1}),
      with(good, kActions, 0.125f),
      with(good, kActions + 19 * sizeof(float), std::numeric_limits<float>::quiet_NaN()),
      with(good, kActions, std::numeric_limits<float>::infinity()),
  };
  for (std::size_t k = 0; k < hostile.size(); ++k) {
    CAPTURE(k);
    Bytes both = good;  // the first row is fine: it must not be restored either
    both.insert(both.end(), hostile[k].begin(), hostile[k].end());
    CHECK_THROWS_WITH_AS(batch.set_state(std::vector<Index>{2, 0}, both),
                         "HeldWalk-v0: saved row 1 does not hold an episode of this environment",
                         UserError);
    CHECK(all_column_bytes(batch, 0, 3) == all_column_bytes(twin, 0, 3));
  }
  for (Index t = 20; t < 60; ++t) {
    actions.step(batch, t);
    actions.step(twin, t);
    REQUIRE(all_column_bytes(batch, 0, 3) == all_column_bytes(twin, 0, 3));
  }
}

TEST_CASE("a history that goes on after its end is none") {
  Batch<HeldWalk> batch({.end = 3}, {.size = 1}), longer({.end = 4}, {.size = 1});
  for (int t = 0; t < 4; ++t) {
    longer.step(std::vector<float>{0.5f});
  }
  CHECK_THROWS_AS(batch.set_state(std::vector<Index>{0}, state_of(longer, 0)), UserError);
}

TEST_CASE("without a time limit the first 10,000 steps of an episode can be saved") {
  Batch<HeldWalk> batch({}, {.size = 1, .time_limit = 0}), twin({}, {.size = 1, .time_limit = 0});
  CHECK(batch.state_bytes() == Index{kActions + kLongestHistory * sizeof(float)});
  const std::vector<float> action = {0.5f};
  for (Index t = 0; t < kLongestHistory; ++t) {
    batch.step(action);
  }
  twin.set_state(std::vector<Index>{0}, state_of(batch, 0));
  batch.step(action);
  twin.step(action);
  CHECK(all_column_bytes(batch, 0, 1) == all_column_bytes(twin, 0, 1));
  CHECK_THROWS_WITH_AS(state_of(batch, 0),
                       "HeldWalk-v0: the episode of row 0 is 10001 steps long and cannot be saved; "
                       "a batch keeps the actions of 10000 steps (set a time limit)",
                       UserError);
  batch.reset();
  CHECK(state_of(batch, 0).size() == static_cast<std::size_t>(batch.state_bytes()));
}

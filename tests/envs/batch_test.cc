#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include <palaestra/envs/batch.h>
#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/conformance.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/random_actions.h>

#include "tests/envs/counter.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

double count_of(const AnyBatch& batch, Index row) {
  return static_cast<const double*>(batch.columns().observation)[2 * row + 1];
}
double start_of(const AnyBatch& batch, Index row) {
  return static_cast<const double*>(batch.columns().observation)[2 * row];
}
double final_count_of(const AnyBatch& batch, Index row) {
  return static_cast<const double*>(batch.columns().final_observation)[2 * row + 1];
}

/// What a test expects of row 0 after a step.
struct Expected {
  double reward, count;
  bool terminated, truncated, reset;
  double episode_return;
  Index episode_length;
};

void check(const AnyBatch& batch, const Expected& e) {
  const BatchColumns& c = batch.columns();
  CHECK(c.reward[0] == e.reward);
  CHECK(count_of(batch, 0) == e.count);
  CHECK((c.terminated[0] != 0) == e.terminated);
  CHECK((c.truncated[0] != 0) == e.truncated);
  CHECK((c.reset[0] != 0) == e.reset);
  CHECK(c.episode_return[0] == e.episode_return);
  CHECK(c.episode_length[0] == e.episode_length);
}

const std::vector<float> kNoAction = {0.0f};

/// The same task with work space of its own, to walk the other half of Batch: it checks that the
/// scratch it gets is its thread's, by leaving marks in it.
struct ScratchCounter {
  struct Scratch {
    std::vector<double> marks;
  };
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  static constexpr Index kGrain = 3;
  Counter counter;

  EnvSpec spec() const { return counter.spec(); }
  Index state_size() const { return 2; }
  Scratch make_scratch() const { return {std::vector<double>(2)}; }
  void reset(Scratch& scratch, State row, Stream& random) const {
    scratch.marks.assign(2, 0.0);
    row[0] = random.uniform();
    row[1] = 0.0;
  }
  Transition step(Scratch& scratch, State row, std::span<const float> action,
                  Stream& random) const {
    scratch.marks[0] = row[0];
    scratch.marks[1] = row[1];
    Counter::State s{scratch.marks[0], scratch.marks[1]};
    const Transition t = counter.step(s, action, random);
    row[0] = s.start, row[1] = s.count;
    return t;
  }
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const {
    out[0] = row[0], out[1] = row[1];
  }
  void info(Scratch&, std::span<const double> row, std::span<double> out) const {
    out[0] = 2 * row[1];
  }
};
static_assert(ScratchEnvironment<ScratchCounter> && !PlainEnvironment<ScratchCounter>);

}  // namespace

TEST_CASE("NEXT_STEP: the step after the end resets, with reward 0 and a flag") {
  Batch<Counter> batch({.end = 2}, {});
  const double first = start_of(batch, 0);
  batch.step(std::vector<float>{0.5f});
  check(batch, {1.5, 1, false, false, false, 1.5, 1});
  batch.step(kNoAction);
  check(batch, {2, 2, true, false, false, 3.5, 2});
  CHECK(final_count_of(batch, 0) == 2);
  CHECK(start_of(batch, 0) == first);
  batch.step(std::vector<float>{0.75f});  // ignored
  check(batch, {0, 0, false, false, true, 0, 0});
  CHECK(start_of(batch, 0) != first);
  CHECK(final_count_of(batch, 0) == 2);  // stays until the next end
  batch.step(kNoAction);
  check(batch, {1, 1, false, false, false, 1, 1});
}

TEST_CASE("NEXT_STEP: a finished row that the caller resets is not reset a second time") {
  Batch<Counter> batch({.end = 2}, {.size = 2});
  const std::vector<float> actions(2);
  batch.step(actions);
  batch.step(actions);
  batch.reset({}, std::vector<std::uint8_t>{1, 0});
  check(batch, {0, 0, false, false, false, 0, 0});
  CHECK(batch.columns().terminated[1] == 1);
  const double start = start_of(batch, 0);
  batch.step(actions);
  check(batch, {1, 1, false, false, false, 1, 1});
  CHECK(start_of(batch, 0) == start);
  CHECK(batch.columns().reset[1] == 1);
  CHECK(count_of(batch, 1) == 0);
}

TEST_CASE("SAME_STEP: the last step resets, and its observation is kept aside") {
  Batch<Counter> batch({.end = 2}, {.autoreset = AutoresetMode::kSameStep});
  const double first = start_of(batch, 0);
  batch.step(kNoAction);
  batch.step(kNoAction);
  check(batch, {2, 0, true, false, false, 3, 2});
  CHECK(final_count_of(batch, 0) == 2);
  CHECK(batch.columns().info[0] == 4);  // of the last step
  CHECK(start_of(batch, 0) != first);
  batch.step(kNoAction);
  check(batch, {1, 1, false, false, false, 1, 1});
}

TEST_CASE("DISABLED: a finished row waits for its reset and refuses to step") {
  Batch<Counter> batch({.end = 2}, {.size = 3, .autoreset = AutoresetMode::kDisabled});
  const std::vector<float> actions(3);
  batch.step(actions);
  batch.step(actions);
  CHECK(batch.columns().terminated[1] == 1);
  CHECK_THROWS_WITH_AS(batch.step(actions),
                       "Counter-v0: row 0 has finished its episode; reset it before the next step "
                       "(autoreset is disabled); no row was stepped",
                       UserError);
  batch.reset({}, std::vector<std::uint8_t>{1, 0, 1});
  CHECK(batch.columns().terminated[0] == 0);
  CHECK(batch.columns().terminated[1] == 1);
  CHECK_NOTHROW(batch.step_rows(0, 1, 0, actions));
  CHECK_THROWS_AS(batch.step_rows(1, 2, 0, actions), UserError);
  CHECK(count_of(batch, 0) == 1);
  CHECK(count_of(batch, 1) == 2);
}

TEST_CASE("a time limit truncates, also together with a termination") {
  Batch<Counter> never({.end = 4}, {.time_limit = 3});
  for (const bool last : {false, false, true}) {
    never.step(kNoAction);
    CHECK((never.columns().truncated[0] != 0) == last);
    CHECK(never.columns().terminated[0] == 0);
  }
  Batch<Counter> both({.end = 3}, {.time_limit = 3});
  for (int t = 0; t < 3; ++t) {
    both.step(kNoAction);
  }
  CHECK(both.columns().truncated[0] == 1);  // as Gymnasium's TimeLimit wrapper
  CHECK(both.columns().terminated[0] == 1);
  CHECK_THROWS_WITH_AS(Batch<Counter>({}, {.time_limit = -1}),
                       "Counter-v0: time limit is -1; accepted: 0 (never) or more", UserError);
  CHECK_THROWS_AS(Batch<Counter>({}, {.size = 0}), UserError);
}

TEST_CASE("a status ends that row's episode as a truncation, and no other row's") {
  Batch<Counter> batch({.end = 100, .collapse = 3}, {.size = 2, .time_limit = 0});
  const std::vector<float> actions(2);
  batch.step(actions);
  batch.reset({}, std::vector<std::uint8_t>{0, 1});
  batch.step(actions);
  batch.step(actions);
  CHECK(batch.columns().status[0] == Status::kDiverged);
  CHECK(batch.columns().truncated[0] == 1);
  CHECK(batch.columns().terminated[0] == 0);
  CHECK(batch.columns().status[1] == Status::kOk);
  CHECK(batch.columns().truncated[1] == 0);
  batch.step(actions);
  CHECK(batch.columns().status[0] == Status::kOk);
  CHECK(batch.columns().reset[0] == 1);
}

TEST_CASE("infos are there after a reset, a step and a restored state") {
  Batch<Counter> batch({}, {});
  CHECK(batch.columns().info[0] == 0);
  batch.step(kNoAction);
  batch.step(kNoAction);
  CHECK(batch.columns().info[0] == 4);
  std::vector<std::byte> state(static_cast<std::size_t>(batch.state_bytes()));
  batch.get_state(std::vector<Index>{0}, state);
  batch.reset();
  CHECK(batch.columns().info[0] == 0);
  batch.set_state(std::vector<Index>{0}, state);
  CHECK(batch.columns().info[0] == 4);
  CHECK(batch.columns().episode_return[0] == 3);
  CHECK(batch.columns().episode_length[0] == 2);
}

TEST_CASE("a finished row cannot be restored where there are none") {
  Batch<Counter> next({.end = 1}, {}), same({.end = 1}, {.autoreset = AutoresetMode::kSameStep});
  next.step(kNoAction);
  std::vector<std::byte> state(static_cast<std::size_t>(next.state_bytes()));
  next.get_state(std::vector<Index>{0}, state);
  CHECK_THROWS_WITH_AS(same.set_state(std::vector<Index>{0}, state),
                       "Counter-v0: saved row 0 has finished its episode; a same-step batch has no "
                       "such rows",
                       UserError);
}

TEST_CASE("columns start on cache lines and stay where they are") {
  Batch<Counter> batch({}, {.size = 5});
  const BatchColumns before = batch.columns();
  for (const void* column :
       {before.observation, before.final_observation, static_cast<void*>(before.reward),
        static_cast<void*>(before.terminated), static_cast<void*>(before.truncated),
        static_cast<void*>(before.reset), static_cast<void*>(before.status),
        static_cast<void*>(before.episode_return), static_cast<void*>(before.episode_length),
        static_cast<void*>(before.info)}) {
    CHECK(reinterpret_cast<std::uintptr_t>(column) % 64 == 0);
  }
  batch.step(std::vector<float>(5));
  batch.reset();
  CHECK(batch.columns().observation == before.observation);
  CHECK(batch.columns().info == before.info);
}

TEST_CASE("refusals name row, element, value and what is accepted") {
  Batch<Counter> batch({}, {.size = 3});
  CHECK_THROWS_WITH_AS(
      batch.step(std::vector<float>{0, 0, std::numeric_limits<float>::infinity()}),
      "Counter-v0: the action of row 2 is inf; accepted: finite numbers; no row was stepped",
      UserError);
  CHECK_THROWS_WITH_AS(batch.step(std::vector<float>(4)),
                       "Counter-v0: got 4 action numbers, expected 3 x 1", UserError);
  CHECK_THROWS_WITH_AS(batch.step(std::vector<std::int64_t>(3)),
                       "Counter-v0 takes float32 actions (Box(-1.0, 1.0, (1,), float32))",
                       UserError);
  CHECK_THROWS_WITH_AS(batch.reset(std::vector<std::uint64_t>(2)),
                       "Counter-v0: reset was given 2 seeds, expected 3 or none", UserError);
  CHECK_THROWS_WITH_AS(batch.set_physics(0, std::vector<double>{1.0}),
                       "Counter-v0 has no physical state to read or set", UserError);
  const auto wide = make("HalfCheetah-v5", {.size = 2});
  std::vector<float> controls(12);
  controls[9] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(wide->step(controls),
                       "HalfCheetah-v5: element 3 of the action of row 1 is nan; accepted: finite "
                       "numbers; no row was stepped",
                       UserError);
  const auto discrete = make("CartPole-v1", {.size = 2});
  CHECK_THROWS_WITH_AS(
      discrete->step(std::vector<std::int64_t>{1, 2}),
      "CartPole-v1: the action of row 1 is 2; accepted: 0 to 1; no row was stepped", UserError);
}

TEST_CASE("work space or not, the same task gives the same columns") {
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
    Batch<Counter> plain({}, {.size = 50, .autoreset = mode, .seed = 5});
    Batch<ScratchCounter> scratch(
        {}, {.size = 50, .autoreset = mode, .threads = Threads(3), .seed = 5});
    CHECK(scratch.grain() == 3);
    RandomActions actions(plain.spec(), 50, 1);
    for (Index t = 0; t < 30; ++t) {
      actions.step(plain, t);
      actions.step(scratch, t);
      REQUIRE(all_column_bytes(plain, 0, 50) == all_column_bytes(scratch, 0, 50));
    }
  }
  CHECK(check_conformance(entry<Counter>("Counter-v0")) == std::vector<std::string>());
  CHECK(check_conformance(entry<ScratchCounter>("Counter-v0")) == std::vector<std::string>());
}

TEST_CASE("an episode's draws are addressed by seed, row and episode") {
  Batch<Counter> batch({}, {.size = 3, .seed = 9});
  for (std::uint64_t episode = 0; episode < 3; ++episode) {
    for (Index row = 0; row < 3; ++row) {
      Stream expected(9, purpose("envs/reset"), static_cast<std::uint64_t>(row), episode);
      CHECK(start_of(batch, row) == expected.uniform());
    }
    batch.reset();
  }
  batch.reset(std::vector<std::uint64_t>{4, 5, 6});
  CHECK(start_of(batch, 1) == Stream(5, purpose("envs/reset"), 0, 0).uniform());
  batch.reset();
  CHECK(start_of(batch, 1) == Stream(5, purpose("envs/reset"), 0, 1).uniform());
}

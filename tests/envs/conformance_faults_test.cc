// Environments with one fault each: the suite must find it, and call it by its name.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include <palaestra/envs/conformance.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/goal/point_reach.h>

#include "tests/envs/counter.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

template <class E>
bool finds(const char* fault) {
  for (const std::string& failure : check_conformance(entry<E>("Counter-v0"))) {
    if (failure.find(fault) != std::string::npos) {
      return true;
    }
  }
  return false;
}

struct ForgetsItsSeed : Counter {
  static ForgetsItsSeed from(KeywordReader& options) { return {Counter::from(options)}; }
  void reset(State& s, Stream&) const { s = {0.5, 0.0}; }
};

std::atomic<int> steps_of_all_rows{0};
struct SharesState : Counter {
  static SharesState from(KeywordReader& options) { return {Counter::from(options)}; }
  Transition step(State& s, std::span<const float> action, Stream& random) const {
    Transition t = Counter::step(s, action, random);
    t.reward += steps_of_all_rows++ % 1000;
    return t;
  }
};

struct LeavesItsSpace : Counter {
  static LeavesItsSpace from(KeywordReader& options) { return {Counter::from(options)}; }
  void observe(const State& s, std::span<double> out) const {
    out[0] = s.start, out[1] = s.count - 3.0;
  }
};

struct EarnsNothing : Counter {
  static EarnsNothing from(KeywordReader& options) { return {Counter::from(options)}; }
  Transition step(State& s, std::span<const float> action, Stream& random) const {
    Transition t = Counter::step(s, action, random);
    t.reward = std::numeric_limits<double>::quiet_NaN();
    return t;
  }
};

struct TakesAnyOption : Counter {
  static TakesAnyOption from(KeywordReader&) { return {}; }
  static EnvSpec describe(KeywordReader& options) {
    options.number("no_such_option", 0, 0, 1);
    return Counter().spec();
  }
};

struct SaysTooLittle : Counter {
  static SaysTooLittle from(KeywordReader& options) { return {Counter::from(options)}; }
  EnvSpec spec() const {
    EnvSpec s = Counter::spec();
    s.summary.clear();
    s.action.high.clear();
    return s;
  }
};

/// Keeps part of its state outside of State.
struct HidesState : Counter {
  static HidesState from(KeywordReader& options) { return {Counter::from(options)}; }
  void observe(const State& s, std::span<double> out) const {
    Counter::observe(s, out);
    seen = seen + 1;
    out[0] = std::fmod(seen * 0.6180339887, 1.0);  // never twice the same
  }
  static inline thread_local double seen = 0;
};

/// Every row and episode has the same luck.
struct SharesLuck : Counter {
  static SharesLuck from(KeywordReader& options) { return {Counter::from(options)}; }
  EnvSpec spec() const {
    EnvSpec s = Counter::spec();
    s.deterministic = false;
    s.distinct_starts = false;
    return s;
  }
  void reset(State& s, Stream&) const { s = {0.5, 0.0}; }
  Transition step(State& s, std::span<const float> action, Stream&) const {
    Stream everyone(1, purpose("test/luck"), static_cast<std::uint64_t>(s.count));
    Transition t = Counter::step(s, action, everyone);
    t.reward += everyone.uniform();
    return t;
  }
};

/// Rewards its steps by one rule and goals by another, and keeps the goal it has.
struct MovesTheGoal : goal::PointReach {
  Transition step(State& s, std::span<const float> action, Stream& random) const {
    const Transition t = PointReach::step(s, action, random);
    s.goal.x = -s.goal.x;
    return t;
  }
  void set_goal(State&, std::span<const double>) const {}
  EnvSpec spec() const {
    EnvSpec s = PointReach::spec();
    s.id = "Counter-v0";
    return s;
  }
};

struct MiscountsGoals : MovesTheGoal {
  EnvSpec spec() const {
    EnvSpec s = MovesTheGoal::spec();
    s.goal->observation = 1;
    s.info = {"success"};
    return s;
  }
};

}  // namespace

TEST_CASE("the conformance suite finds what is wrong with a goal task") {
  CHECK(finds<MovesTheGoal>("its goals are worth"));
  CHECK(finds<MovesTheGoal>("the goal that was set is not the one that is seen"));
  CHECK(finds<MovesTheGoal>("a goal with a NaN") == false);  // the batch refuses it beforehand
  CHECK(finds<MiscountsGoals>("a row of 6 numbers is divided into 1, 2 and 2"));
  CHECK(finds<MiscountsGoals>("a goal task has no info is_success"));
}

TEST_CASE("the conformance suite finds what is wrong with an environment") {
  CHECK(finds<ForgetsItsSeed>("rows 0 and 1 start alike"));
  CHECK(finds<ForgetsItsSeed>("two episodes start alike"));
  CHECK(finds<SharesLuck>("random steps go alike in all rows"));
  CHECK(finds<SharesLuck>("random steps go alike in all episodes"));
  CHECK(!finds<SharesLuck>("start alike"));  // as its spec says
  CHECK(finds<SharesState>("bits differ"));
  CHECK(finds<LeavesItsSpace>("element 1 of the observation is -3"));
  CHECK(finds<EarnsNothing>("the reward is not finite"));
  CHECK(finds<TakesAnyOption>("an unknown option is not refused by its name"));
  CHECK(finds<SaysTooLittle>("family, origin and summary must be filled in"));
  CHECK(finds<SaysTooLittle>("a space of 1 numbers has 1 lower and 0 upper bounds"));
  CHECK(finds<HidesState>("a restored row observes something else"));
  CHECK(finds<HidesState>("a branched row goes its own way"));
  const auto wrong_id = check_conformance(entry<Counter>("Abacus-v0"));
  REQUIRE(wrong_id.size() == 1);
  CHECK(wrong_id[0] == "Counter-v0: is registered as Abacus-v0");
}

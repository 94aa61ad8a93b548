#include <palaestra/agents/sequence/history.h>

#include <doctest/doctest.h>

#include <algorithm>

#include <palaestra/core/error.h>
#include <tests/allocations.h>
#include <tests/core/scratch.h>

namespace palaestra::agents::sequence {
namespace {

using Floats = std::vector<float>;

Floats copy(std::span<const float> x) { return {x.begin(), x.end()}; }

TEST_CASE("a history holds the last steps, oldest first, padding behind") {
  History history(2, 3, 2, 1);
  const auto step = [&](Index row, float x) {
    history.observe(row, Floats{x, x + 0.5f}, 10 * x);
    const float action = -x;
    history.act(row, {&action, 1});
    history.reward(row, 100 * x);
  };
  step(1, 1);
  CHECK(history.steps(0) == 0);
  CHECK(history.steps(1) == 1);
  CHECK(copy(history.observation()) == Floats{0, 0, 0, 0, 0, 0, 1, 1.5, 0, 0, 0, 0});
  step(1, 2);
  step(1, 3);
  CHECK(copy(history.newest()) == Floats{0, 2});
  step(1, 4);  // the first is forgotten
  CHECK(history.steps(1) == 3);
  CHECK(copy(history.newest()) == Floats{0, 2});
  CHECK(copy(history.observation().subspan(6)) == Floats{2, 2.5, 3, 3.5, 4, 4.5});
  CHECK(copy(history.action().subspan(3)) == Floats{-2, -3, -4});
  CHECK(copy(history.reward().subspan(3)) == Floats{200, 300, 400});
  CHECK(copy(history.asked().subspan(3)) == Floats{20, 30, 40});
  history.observe(1, Floats{5, 5});  // what the new step did is not known yet
  CHECK(copy(history.action().subspan(3)) == Floats{-3, -4, 0});
  CHECK(copy(history.reward().subspan(3)) == Floats{300, 400, 0});
  history.begin(1);
  CHECK(history.steps(1) == 0);
  const Floats all = copy(history.observation());
  CHECK(std::all_of(all.begin(), all.end(), [](float x) { return x == 0; }));
}

TEST_CASE("a history that was saved and loaded is the same, and a crafted one is refused") {
  const Scratch scratch;
  History history(2, 3, 2, 1), other(2, 3, 2, 1);
  const float one = 1;
  for (const float x : {1.0f, 2.0f}) {
    history.observe(1, Floats{x, -x}, 7);
    history.act(1, {&one, 1});
    history.reward(1, x);
  }
  ArchiveWriter archive;
  history.save(archive, "rows.");
  archive.save(scratch / "history");
  other.load(ArchiveReader(scratch / "history"), "rows.");
  CHECK(other.steps(0) == 0);
  CHECK(other.steps(1) == 2);
  for (const auto column : {&History::observation, &History::action, &History::reward,
                            &History::asked, &History::newest}) {
    CHECK(copy((other.*column)()) == copy((history.*column)()));
  }
  CHECK_THROWS_AS(History(2, 4, 2, 1).load(ArchiveReader(scratch / "history"), "rows."), UserError);
  // more steps than there is room for
  ArchiveWriter crafted;
  crafted.put("rows.steps", std::vector<Index>{0, 4});
  for (const auto& [name, values] : {std::pair("observation", history.observation()),
                                     {"action", history.action()},
                                     {"reward", history.reward()},
                                     {"asked", history.asked()}}) {
    crafted.put(concat("rows.", name), copy(values));
  }
  crafted.save(scratch / "crafted");
  CHECK_THROWS_WITH_AS(other.load(ArchiveReader(scratch / "crafted"), "rows."),
                       doctest::Contains("steps\" holds 4; accepted: 0 to 3"), UserError);
  CHECK(other.steps(1) == 2);
}

TEST_CASE("windows of one step") {
  History history(1, 1, 1, 1);
  for (const float x : {1.0f, 2.0f}) history.observe(0, {&x, 1});
  CHECK(copy(history.observation()) == Floats{2});
  CHECK(history.newest()[0] == 0);
}

TEST_CASE("a history refuses what does not fit, unchanged, and allocates nothing") {
  CHECK_THROWS_AS(History(0, 1, 1, 1), UserError);
  CHECK_THROWS_AS(History(1, 0, 1, 1), UserError);
  History history(1, 2, 2, 1);
  const Floats two = {1, 2}, one = {1};
  CHECK_THROWS_AS(history.act(0, one), UserError);  // before the first observation
  CHECK_THROWS_AS(history.reward(0, 1), UserError);
  CHECK_THROWS_AS(history.observe(0, one), UserError);
  CHECK(history.steps(0) == 0);
  CHECK_THROWS_AS(history.observe(1, two), UserError);
  CHECK_THROWS_AS(history.begin(-1), UserError);
  const long before = palaestra::testing::allocations();
  for (int i = 0; i < 5; ++i) {
    history.observe(0, two);
    history.act(0, one);
  }
  history.begin(0);
  CHECK(palaestra::testing::allocations() == before);
}

}  // namespace
}  // namespace palaestra::agents::sequence

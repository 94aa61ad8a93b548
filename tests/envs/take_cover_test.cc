// TakeCover by the statistics of its specification, its pictures by what they must show. The rules
// themselves are checked draw by draw in tests/python/test_take_cover_oracle.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <palaestra/envs/conformance.h>
#include <palaestra/envs/doom/take_cover.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

constexpr const char* kId = "TakeCover-v0";

/// U(-1, 1), held for U{1..10} tics: the random policy of the calibration.
struct HeldActions {
  std::vector<Stream> luck;
  std::vector<Index> left;
  std::vector<float> action;

  explicit HeldActions(Index n) : left(static_cast<std::size_t>(n)), action(left.size()) {
    for (std::size_t i = 0; i < left.size(); ++i) {
      luck.emplace_back(2, purpose("test/held_action"), i);
    }
  }
  std::span<const float> next() {
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i] == 0) {
        action[i] = static_cast<float>(luck[i].uniform(-1, 1));
        left[i] = 1 + luck[i].below(10);
      }
      left[i] -= 1;
    }
    return action;
  }
};

/// Returns of one episode in each row.
std::vector<double> returns(Index episodes, const Keywords& options, bool stay) {
  const auto batch =
      make(kId, {.size = episodes, .autoreset = AutoresetMode::kSameStep, .seed = 6}, options);
  HeldActions held(episodes);
  const std::vector<float> still(static_cast<std::size_t>(episodes));
  std::vector<double> result(static_cast<std::size_t>(episodes));
  for (Index running = episodes; running > 0;) {
    batch->step(stay ? std::span<const float>(still) : held.next());
    const BatchColumns& c = batch->columns();
    for (std::size_t i = 0; i < result.size(); ++i) {
      if ((c.terminated[i] | c.truncated[i]) != 0 && result[i] == 0) {
        result[i] = c.episode_return[i];
        running -= 1;
      }
    }
  }
  return result;
}

double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

TEST_CASE("the random policy survives as long as it should") {
  const double random = mean(returns(1000, {}, false));
  CHECK(random >= 200);  // the gate
  CHECK(random <= 270);
  const double many = mean(returns(4000, {}, false));
  CHECK(std::abs(many - 251) <= 9);
  MESSAGE("random: " << random << " over 1,000 episodes, " << many << " over 4,000");
  const double hard = mean(returns(4000, {{"hard", 1.0}}, false));
  CHECK(std::abs(hard - 77) <= 4);
  const auto stay = returns(4000, {}, true);
  CHECK(std::abs(mean(stay) - 112) <= 4);
  CHECK(*std::min_element(stay.begin(), stay.end()) >= 65);
  const auto hard_stay = returns(4000, {{"hard", 1.0}}, true);
  MESSAGE("hard: " << hard << ", stay: " << mean(stay) << " (earliest "
                   << *std::min_element(stay.begin(), stay.end())
                   << "), hard stay: " << mean(hard_stay));
  CHECK(std::abs(mean(hard_stay) - 35) <= 2);
}

TEST_CASE("TakeCover conforms whatever it shows") {
  for (const Keywords& options :
       {Keywords{{"hard", 1.0}, {"bearings", 32.0}},
        Keywords{{"observation", std::string("strip")}, {"strip_rows", 1.0}},
        Keywords{{"observation", std::string("pixels")}}}) {
    for (const std::string& failure : check_conformance(find(kId), options)) {
      FAIL_CHECK(failure);
    }
  }
}

TEST_CASE("the player is pushed, slowed and stopped by the walls") {
  const auto batch = make(kId, {}, {});
  std::vector<double> player(3);
  const auto play = [&](float action) {
    batch->step(std::vector<float>{action});
    batch->get_physics(0, player);
  };
  const auto place = [&](double y, double velocity) {
    batch->set_physics(0, std::vector{y, velocity, 100.0});
  };
  place(384, 0);
  play(-0.5f);  // left is +y
  CHECK((player[0] == 384.75 && player[1] == 0.75 * 0.90625));
  play(0.3333f);  // stays
  CHECK(player[0] == 384.75 + 0.75 * 0.90625);
  place(384, 0);
  play(7.0f);  // out of range is clipped
  CHECK(player[0] == 383.25);
  place(751, 8);
  play(0);
  CHECK((player[0] == 752 && player[1] == 0));
  place(18, -8);
  play(0);
  CHECK((player[0] == 16 && player[1] == 0));
  // held for long: terminal speed 8 units in a tic, then 77 more after release
  CoverWorld alone{};
  alone.y = 100;
  for (int t = 0; t < 60; ++t) {
    alone.advance(1, {});
  }
  const double fast = alone.y;
  alone.advance(1, {});
  CHECK(alone.y - fast == doctest::Approx(8).epsilon(0.005));
  const double released = alone.y;
  for (int t = 0; t < 80; ++t) {
    alone.advance(0, {});
  }
  CHECK(alone.y - released == doctest::Approx(77).epsilon(0.01));
  CHECK_THROWS_WITH_AS(place(10, 0), doctest::Contains("the player's place is 10"), UserError);
}

TEST_CASE("rays show distance, approach and imps where they are") {
  const auto batch = make(kId, {}, {});
  const float* rays = static_cast<const float*>(batch->columns().observation);
  const auto ray = [&](Index bearing, int what) { return rays[3 * bearing + what]; };
  // from the middle, imps at y = 20, 278, 652: to the right by 37.2 and 12.5 degrees, to the left
  // by 29.2. A bearing is 1.40625 degrees wide, bearing 0 is the leftmost.
  const auto bearing_of = [](double dy) {
    return static_cast<Index>((45 - std::atan2(dy, 480) * 180 / 3.14159265358979) / 1.40625);
  };
  batch->set_physics(0, std::vector{384.0, 0.0, 100.0});
  for (const double y : {20.0, 278.0, 652.0}) {
    CHECK(ray(bearing_of(y - 384), 2) == 1);
  }
  float seen = 0;
  for (Index b = 0; b < 64; ++b) {
    CHECK((ray(b, 0) == 1 && ray(b, 1) == 0));  // nothing flies yet
    seen += ray(b, 2);
  }
  CHECK((seen >= 9 && seen <= 15));  // 20 units of 480 to either side: 3 to 5 bearings each
  // the first fireball, seen from a player who stands still, comes straight at 10 a tic
  for (int t = 0; t < 200 && batch->columns().info[1] == 0; ++t) {
    batch->step(std::vector<float>{0});
  }
  REQUIRE(batch->columns().info[1] >= 1);
  Index nearest = 0;
  for (Index b = 0; b < 64; ++b) {
    if (ray(b, 0) < ray(nearest, 0)) {
      nearest = b;
    }
  }
  CHECK(ray(nearest, 2) == 1);  // it still covers the imp that threw it
  const float before = ray(nearest, 0);
  CHECK((before > 450.0f / 600 && before <= 1));
  batch->step(std::vector<float>{0});
  CHECK(ray(nearest, 1) == doctest::Approx(-10.0 / 600).epsilon(0.01));
  CHECK(ray(nearest, 0) - before == doctest::Approx(-10.0 / 600).epsilon(0.01));
}

namespace {

/// A world with the player in the middle, imps and fireballs as given.
CoverWorld world_with(const std::vector<double>& imps,
                      const std::vector<CoverWorld::Fireball>& balls) {
  CoverWorld world{};
  world.y = 384;
  world.health = 100;
  for (const double y : imps) {
    world.imp[static_cast<std::size_t>(world.imp_count++)].y = y;
  }
  for (const auto& ball : balls) {
    world.fireball[static_cast<std::size_t>(world.fireball_count++)] = ball;
  }
  return world;
}

struct Picture {
  std::vector<std::uint8_t> bytes;
  Index rows;
  std::array<int, 3> at(Index row, Index column) const {
    const auto k = static_cast<std::size_t>((row * 64 + column) * 3);
    return {bytes[k], bytes[k + 1], bytes[k + 2]};
  }
};

Picture paint(const CoverWorld& world, Index rows, bool strip = false) {
  Picture picture{std::vector<std::uint8_t>(static_cast<std::size_t>(rows * 64 * 3)), rows};
  CoverPainter(rows).paint(world, strip, picture.bytes);
  return picture;
}

constexpr std::array<int, 3> kOrange = {255, 140, 24};

}  // namespace

TEST_CASE("pictures show fireballs, imps and walls in perspective") {
  const Picture empty = paint(world_with({}, {}), 64);
  // a symmetrical room, lighter below the horizon's ceiling than far away
  for (Index row = 0; row < 64; ++row) {
    for (Index column = 0; column < 32; ++column) {
      CHECK(empty.at(row, column) == empty.at(row, 63 - column));
    }
  }
  CHECK(empty.at(0, 32) != empty.at(31, 32));
  CHECK(empty.at(63, 32)[0] > empty.at(40, 32)[0]);

  // a fireball straight ahead at distance d is a disc of radius 6 * 32 / d around the middle
  for (const double depth : {32.0, 64.0, 192.0}) {
    CAPTURE(depth);
    const Picture picture = paint(world_with({}, {{CoverWorld::kPlayerX + depth, 384, 0, 0}}), 64);
    double area = 0;
    for (Index row = 0; row < 64; ++row) {
      for (Index column = 0; column < 64; ++column) {
        const auto now = picture.at(row, column), before = empty.at(row, column);
        // the share of orange by the red channel, which the room never has in full
        area += static_cast<double>(now[0] - before[0]) / (255 - before[0]);
      }
    }
    const double radius = 6 * 32 / depth;
    CHECK(area == doctest::Approx(3.14159265 * radius * radius).epsilon(0.02));
    if (radius > 1.5) {
      CHECK(picture.at(32, 32) == kOrange);
    }
  }
  // to the left (+y) is to the left: 100 units aside at distance 200 are 16 columns
  const Picture aside = paint(world_with({}, {{CoverWorld::kPlayerX + 200, 484, 0, 0}}), 64);
  CHECK(aside.at(31, 15)[0] > empty.at(31, 15)[0] + 50);
  CHECK(aside.at(31, 47) == empty.at(31, 47));
  // near covers far, whatever the order they came in
  const CoverWorld::Fireball near{CoverWorld::kPlayerX + 40, 384, 0, 0};
  const Picture hidden = paint(world_with({384}, {near}), 64);
  CHECK(hidden.at(31, 31) == kOrange);
  const Picture imp = paint(world_with({384}, {}), 64);
  CHECK(imp.at(33, 32) == std::array{92, 52, 22});
  // what is at or behind the player is not drawn
  CHECK(paint(world_with({}, {{CoverWorld::kPlayerX - 10, 390, 0, 0}}), 64).bytes == empty.bytes);
}

TEST_CASE("a strip is the middle of the view, with fireballs 8 units high") {
  const CoverWorld room = world_with({100, 600}, {});
  const Picture whole = paint(room, 64), strip = paint(room, 16, true);
  for (Index row = 0; row < 16; ++row) {
    for (Index column = 0; column < 64; ++column) {
      CHECK(strip.at(row, column) == whole.at(row + 24, column));
    }
  }
  const CoverWorld ball = world_with({}, {{CoverWorld::kPlayerX + 64, 384, 0, 0}});
  const Picture high = paint(ball, 16, true), line = paint(ball, 1, true);
  for (Index row = 0; row < 16; ++row) {  // 8 * 32 / 64 = 4 rows of 6 columns
    CHECK((high.at(row, 32) == kOrange) == (row >= 6 && row < 10));
  }
  for (Index column = 0; column < 64; ++column) {
    CHECK((line.at(0, column) == kOrange) == (column >= 29 && column < 35));
  }
}

TEST_CASE("options out of range, and saved rows of no world, are refused or harmless") {
  const auto refused = [](const Keywords& options, const char* message) {
    CHECK_THROWS_WITH_AS(make(kId, {}, options), doctest::Contains(message), UserError);
  };
  refused({{"observation", std::string("sound")}}, "rays, strip, pixels");
  refused({{"bearings", 3.0}}, "bearings is 3");
  refused({{"bearings", 64.5}}, "bearings is 64.5");
  refused({{"strip_rows", 100.0}}, "strip_rows is 100");
  refused({{"observation", std::string("pixels")}, {"harder", 1.0}}, "harder");

  CHECK(make(kId, {}, {{"bearings", 32.0}})->spec().observation.size() == 96);
  const auto rays = make(kId, {});
  std::vector<std::byte> state(static_cast<std::size_t>(rays->state_bytes()));
  const std::vector<Index> row = {0};
  rays->get_state(row, state);
  const auto good = state;
  std::fill(state.end() - static_cast<std::ptrdiff_t>(sizeof(TakeCover::State)), state.end(),
            std::byte{0xff});
  CHECK_THROWS_WITH_AS(rays->set_state(row, state), doctest::Contains("does not hold a state"),
                       UserError);
  rays->set_state(row, good);

  const auto view = make(kId, {}, {{"observation", std::string("pixels")}});
  std::vector<std::byte> seen(static_cast<std::size_t>(view->state_bytes()));
  view->get_state(row, seen);
  std::fill(seen.end() - static_cast<std::ptrdiff_t>(sizeof(CoverWorld)), seen.end(),
            std::byte{0xff});
  view->set_state(row, seen);
  view->step(std::vector<float>{0});
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <palaestra/envs/goal/experts.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

using Expert = void (*)(std::span<const double> row, std::span<float> action);

/// Share of `n` episodes that end with is_success, under an expert with normal noise on its
/// actions.
double success_rate(const std::string& id, Expert expert, double noise, Index n) {
  const auto batch = make(id, {.size = n, .autoreset = AutoresetMode::kDisabled, .seed = 3});
  const auto width = static_cast<std::size_t>(batch->spec().action.size());
  const auto row_size = static_cast<std::size_t>(batch->spec().observation.size());
  const auto* rows = static_cast<const double*>(batch->columns().observation);
  std::vector<float> actions(static_cast<std::size_t>(n) * width);
  Stream random(5, purpose("tests/goal_experts"));
  for (Index t = 0; t < batch->spec().time_limit; ++t) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const auto action = std::span(actions).subspan(i * width, width);
      expert({rows + i * row_size, row_size}, action);
      for (float& a : action) {
        REQUIRE(std::abs(a) <= 1.0f);
        const double noisy = static_cast<double>(a) + random.normal(0, noise);
        a = static_cast<float>(std::clamp(noisy, -1.0, 1.0));
      }
    }
    batch->step(std::span<const float>(actions));
  }
  const double* info = batch->columns().info;
  return static_cast<double>(std::count(info, info + n, 1.0)) / static_cast<double>(n);
}

}  // namespace

TEST_CASE("experts reach their goals, with and without noise on their actions") {
  using namespace goal;
  struct Case {
    const char* id;
    Expert expert;
    double clean, noisy;  // least success rates
  };
  // a stroke is open-loop: the noise of its last step decides how far the puck goes
  for (const Case& c : {Case{"PointReach-v0", point_reach_expert, 1.0, 1.0},
                        Case{"PointRooms-v0", point_rooms_expert, 0.999, 0.999},
                        Case{"Push2D-v0", push_2d_expert, 0.999, 0.999},
                        Case{"Reach3D-v0", reach_3d_expert, 1.0, 1.0},
                        Case{"Slide2D-v0", slide_2d_expert, 0.9, 0.08}}) {
    const std::string id = c.id;
    CAPTURE(id);
    CHECK(success_rate(id, c.expert, 0.0, 2000) >= c.clean);
    CHECK(success_rate(id, c.expert, 0.2, 2000) >= c.noisy);
  }
}

TEST_CASE("a point in four rooms is stopped by walls, on either side and in corners") {
  using goal::Point;
  using goal::PointRooms;
  const auto stopped = [](Point from, Point to) { return PointRooms::stopped(from, to); };
  const auto same = [](Point a, Point b) {
    return std::abs(a.x - b.x) < 1e-15 && std::abs(a.y - b.y) < 1e-15;
  };
  CHECK(same(stopped({1.2, 1.0}, {1.2, 0.5}), {1.2, 0.81}));     // from above on the plus
  CHECK(same(stopped({1.2, -1.0}, {1.2, -0.5}), {1.2, -0.81}));  // from below
  CHECK(same(stopped({2.0, 0.2}, {1.5, 0.2}), {1.66, 0.2}));     // from the right
  CHECK(same(stopped({0.3, 2.0}, {0.3, 1.2}), {0.3, 1.66}));     // its upper arm
  CHECK(same(stopped({0.3, 4.0}, {0.3, 4.9}), {0.3, 4.44}));     // the stub above
  CHECK(same(stopped({3.0, 1.0}, {3.0, 0.0}), {3.0, 0.0}));      // through a door
  CHECK(same(stopped({1.0, 1.0}, {0.5, 0.5}), {0.81, 0.81}));    // into the corner of the plus
  CHECK(same(stopped({1.2, 1.2}, {0.7, 0.9}), {0.81, 0.9}));     // along one of its sides
}

TEST_CASE("goal tasks refuse places that are none") {
  const auto refusal = [](const char* id, bool goal, std::vector<double> values) {
    const auto batch = make(id, {});
    try {
      goal ? batch->set_goal(0, values) : batch->set_physics(0, values);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("PointReach-v0", true, {5.1, 0}).find("goal is 5.1") != std::string::npos);
  CHECK(refusal("PointReach-v0", true, {5.0, -5.0}).empty());
  CHECK(refusal("PointRooms-v0", true, {0, 0}).find("inside a wall") != std::string::npos);
  CHECK(refusal("PointRooms-v0", false, {3, 3}).empty());
  CHECK(refusal("PointRooms-v0", false, {0, 1}).find("state (0, 1)") != std::string::npos);
  CHECK(refusal("Push2D-v0", false, {0.26, 0, 0, 0}).find("0.25") != std::string::npos);
  CHECK(refusal("Slide2D-v0", true, {1.31, 0}).find("1.3") != std::string::npos);
  CHECK(refusal("Slide2D-v0", false, {0, 0, 1, 0.5, 0.1, -0.1}).empty());
}

TEST_CASE("rewards of goals are known without a batch, and only for goal tasks") {
  const GoalReward reward_of = goal_reward("palaestra/Push2D-v0");
  const std::vector<double> achieved = {0, 0, 0.1, 0.1}, desired = {0.03, 0.03, 0.1, 0.16};
  std::vector<double> reward(2);
  reward_of(achieved, desired, reward);
  CHECK(reward == std::vector<double>{0.0, -1.0});
  CHECK_THROWS_WITH_AS(goal_reward("Pendulum-v1"),
                       "Pendulum-v1 is no goal task: it has no achieved and desired goals",
                       UserError);
  CHECK_THROWS_WITH_AS(reward_of(std::span(achieved).first(3), desired, reward),
                       "Push2D-v0: achieved goals have 3 numbers, expected 2 x 2", UserError);
  CHECK_THROWS_AS(goal_reward("Push2D-v0", {{"no_such", 1.0}}), UserError);
}

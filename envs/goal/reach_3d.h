#pragma once

#include <array>
#include <limits>

#include <palaestra/envs/goal/goal_task.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs::goal {

/// Bring a gripper that lags behind its target to a place in space.
///
/// Observation  float64[6]: where the gripper is, relative to its start, m; its displacement in the
///              last step, m (0.6 of the gap that it closed: it tells the target)
/// Goal         float64[3]: where it should be, m; the achieved goal is where it is
/// Action       float32[3]: displacement of the target in 5 cm, cut to within +-1
/// Reward       -1 where the gripper is more than 5 cm from the goal, else 0
/// Ends         never; truncated after 50 steps by the batch. is_success: less than 5 cm
/// Options      action_noise (0): standard deviation of normal noise that is added to every number
///              of an action before the cut
/// Source       ours: FetchReach without an engine. Oracle: tests/python/test_goal_oracle.py
///
/// The target moves first, then the gripper by 0.6 of what is left between them; there are no
/// bounds. The goal is uniform on a cube of half-width 0.15 m around the start.
struct Reach3D {
  double action_noise = 0.0;

  struct State {
    std::array<double, 3> at, target, moved, goal;
  };
  using Observation = double;
  using Action = float;

  static constexpr const char* kId = "Reach3D-v0";
  static constexpr double kStep = 0.05;       // m
  static constexpr double kFollow = 0.6;      // share of the gap that a step closes
  static constexpr double kRange = 0.15;      // half-width of the goals' cube, m
  static constexpr double kThreshold = 0.05;  // m
  /// Beyond, a state could be set but not be told from others any more.
  static constexpr double kFarthest = 1e6;

  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static constexpr std::array<Range, 1> kBounds{{{6, -kInfinity, kInfinity}}};
  static constexpr std::array<Range, 1> kPlaces{{{3, -kInfinity, kInfinity}}};
  static constexpr std::array<Range, 1> kStates{{{3, -kFarthest, kFarthest}}};

  static Reach3D from(KeywordReader& options) {
    return {.action_noise = options.number("action_noise", 0.0, 0.0, 1e3)};
  }

  EnvSpec spec() const {
    EnvSpec s = goal_spec(kId, "bring a gripper that lags behind its target to a place", kBounds,
                          kPlaces, kPlaces, 3);
    s.deterministic = action_noise == 0.0;
    s.render_fps = 10;
    return s;
  }

  /// From above (x, y), and beside that from the front (x, z).
  static constexpr render::ImageSize render_size() { return {640, 320, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  void reset(State& s, Stream& random) const {
    s = {};
    for (double& x : s.goal) {
      x = random.uniform(-kRange, kRange);
    }
  }

  Transition step(State& s, std::span<const float> action, Stream& random) const {
    for (std::size_t k = 0; k < 3; ++k) {
      double a = static_cast<double>(action[k]);
      if (action_noise > 0.0) {
        a += random.normal(0.0, action_noise);
      }
      s.target[k] += kStep * std::clamp(a, -1.0, 1.0);
      s.moved[k] = kFollow * (s.target[k] - s.at[k]);
      s.at[k] += s.moved[k];
    }
    return {.reward = compute_reward(s.at, s.goal)};
  }

  void observe(const State& s, std::span<double> out) const {
    for (const auto* part : {&s.at, &s.moved, &s.at, &s.goal}) {
      out = put(out, (*part)[0], (*part)[1], (*part)[2]);
    }
  }
  void info(const State& s, std::span<double> out) const {
    out[0] = distance(s.at, s.goal) < kThreshold;
  }

  static double compute_reward(std::span<const double> achieved, std::span<const double> desired) {
    return distance(achieved, desired) > kThreshold ? -1.0 : 0.0;
  }
  static bool compute_terminated(std::span<const double>, std::span<const double>) { return false; }

  /// The gripper, at rest on its target.
  static constexpr Index physics_size() { return 3; }
  void get_physics(const State& s, std::span<double> out) const {
    put(out, s.at[0], s.at[1], s.at[2]);
  }
  void set_physics(State& s, std::span<const double> in) const {
    require_within(kId, "state", in, kStates);
    std::copy_n(in.begin(), 3, s.at.begin());
    s.target = s.at;
    s.moved = {};
  }
  void set_goal(State& s, std::span<const double> in) const {
    std::copy_n(in.begin(), 3, s.goal.begin());
  }
};

}  // namespace palaestra::envs::goal
